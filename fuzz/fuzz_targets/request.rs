#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| zzan::fuzzing::request(data));
