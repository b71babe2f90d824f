#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| loadtest::fuzzing::tester(data));
