//! Entry points of the fuzzer: each takes any bytes, runs a decoder of this crate on them and panics when one of its promises is broken.
//!
//! Not an API: only built for tests and by the fuzz crate.

use crate::packet::{Frame, ack, decode, event};
use serde_json::Value;

/// One text frame of a server.
pub fn frame(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match decode(text) {
        Ok(Frame::Event { name, args, ack: Some(id) }) => {
            let payload = args.into_iter().next().unwrap_or(Value::Null);
            let again = Frame::Event { name: name.clone(), args: vec![payload.clone()], ack: Some(id) };
            assert_eq!(decode(&event(&name, &payload, id)), Ok(again));
        }
        Ok(Frame::Ack { id, args }) => {
            let payload = args.into_iter().next().unwrap_or(Value::Null);
            assert_eq!(decode(&ack(id, &payload)), Ok(Frame::Ack { id, args: vec![payload] }));
        }
        Ok(Frame::Open(heartbeat)) => assert!(heartbeat.silence_max() >= heartbeat.interval),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_breaks_no_promise() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/frame");
        let inputs: Vec<_> = std::fs::read_dir(folder).expect("a corpus").map(|entry| entry.expect("listed").path()).collect();
        assert!(!inputs.is_empty(), "{folder} is empty");
        for input in inputs {
            super::frame(&std::fs::read(&input).expect("read"));
        }
    }
}
