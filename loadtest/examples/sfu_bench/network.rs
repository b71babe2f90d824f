//! Where the SFUs live: a network namespace of their own, joined to this one by a veth pair, the same for each of them. Janus needs it, since it
//! ignores loopback.
//!
//! Making one takes root. Without it everything runs over loopback, and Janus is left out.

use anyhow::{Context as _, ensure};
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

/// Of the block for benchmarks (RFC 2544), so that no route of this machine is hidden.
const NEAR: [u8; 4] = [198, 18, 0, 1];
const FAR: [u8; 4] = [198, 18, 0, 2];

/// A namespace, removed when dropped.
pub struct Network {
    namespace: Option<String>,
}

impl Network {
    /// A namespace where this process may make one.
    pub fn open() -> Self {
        let name = format!("zzan-bench-{}", std::process::id());
        match create(&name) {
            Ok(()) => Self { namespace: Some(name) },
            Err(error) => {
                eprintln!("no network namespace ({error:#}): everything runs over loopback, without Janus");
                remove(&name);
                Self { namespace: None }
            }
        }
    }

    pub fn is_isolated(&self) -> bool {
        self.namespace.is_some()
    }

    /// The address of the clients.
    pub fn near(&self) -> IpAddr {
        self.address(NEAR)
    }

    /// The address of the SFU.
    pub fn far(&self) -> IpAddr {
        self.address(FAR)
    }

    fn address(&self, octets: [u8; 4]) -> IpAddr {
        if self.is_isolated() { octets.into() } else { Ipv4Addr::LOCALHOST.into() }
    }

    /// What to put before a command so that it runs there.
    pub fn prefix(&self) -> Vec<String> {
        self.namespace.iter().flat_map(|name| ["ip", "netns", "exec", name]).map(str::to_owned).collect()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Some(name) = &self.namespace {
            remove(name);
        }
    }
}

fn create(name: &str) -> anyhow::Result<()> {
    let (near, far) = (link(name), "veth0");
    let inside = ["netns", "exec", name, "ip"];
    ip(&["netns", "add", name])?;
    ip(&["link", "add", &near, "type", "veth", "peer", "name", far, "netns", name])?;
    ip(&["address", "add", &format!("{}/30", Ipv4Addr::from(NEAR)), "dev", &near])?;
    ip(&["link", "set", &near, "up"])?;
    ip(&[&inside[..], &["address", "add", &format!("{}/30", Ipv4Addr::from(FAR)), "dev", far]].concat())?;
    ip(&[&inside[..], &["link", "set", far, "up"]].concat())?;
    ip(&[&inside[..], &["link", "set", "lo", "up"]].concat())?;
    ip(&[&inside[..], &["route", "add", "default", "via", &Ipv4Addr::from(NEAR).to_string()]].concat())
}

/// Names of links have at most 15 bytes.
fn link(name: &str) -> String {
    format!("zb{}", name.rsplit('-').next().unwrap_or_default())
}

fn remove(name: &str) {
    // The veth pair goes with it.
    let _ = Command::new("ip").args(["netns", "delete", name]).output();
    let _ = Command::new("ip").args(["link", "delete", &link(name)]).output();
}

fn ip(args: &[&str]) -> anyhow::Result<()> {
    let output = Command::new("ip").args(args).output().context("ip of iproute2")?;
    ensure!(output.status.success(), "ip {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
