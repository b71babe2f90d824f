//! The store on DynamoDB against a real DynamoDB API on this machine: what every store promises, faults of the network, races, and costs.
#![forbid(unsafe_code)]

mod conformance_test;
mod cost_test;
mod death_test;
mod fault_test;
mod group_test;
mod growth_test;
mod open_test;
mod race_test;
mod removal_test;
mod role_test;
mod server_cost_test;
mod support;
mod transfer_test;
