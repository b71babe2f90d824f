//! Entry points of the fuzzer: each takes any bytes, runs a decoder of this crate on them and panics when one of its promises is broken.
//!
//! Not an API: only built for tests and by the fuzz crate.

use crate::outcome::Outcome;
use crate::packet::{Frame, ack, decode, event};
use crate::scenario::Scenario;
use serde_json::Value;

/// A frame of a server, a scenario file, or a result file: the first byte says which.
pub fn tester(data: &[u8]) {
    let Some((&kind, bytes)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match kind % 3 {
        0 => frame(text),
        1 => scenario(text),
        _ => outcome(text),
    }
}

fn scenario(text: &str) {
    let mut read = Scenario::default();
    if read.set_toml("the input", text).is_err() {
        return;
    }
    let mut again = Scenario::default();
    again.set_toml("what was written", &read.to_toml()).expect("what was written can be read");
    assert_eq!(again.entries(), read.entries());
    let _ = read.check();
}

fn outcome(text: &str) {
    let Ok(read) = Outcome::from_json("the input", text) else { return };
    let _ = (read.verdicts(), read.cpu_percent(), read.lag_ms(), read.warnings());
    let again = Outcome::from_json("what was written", &read.to_json()).expect("what was written can be read");
    let _ = Outcome::merged([("one".to_owned(), read), ("two".to_owned(), again)]);
}

fn frame(text: &str) {
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
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/tester");
        let inputs: Vec<_> = std::fs::read_dir(folder).expect("a corpus").map(|entry| entry.expect("listed").path()).collect();
        assert!(!inputs.is_empty(), "{folder} is empty");
        for input in inputs {
            super::tester(&std::fs::read(&input).expect("read"));
        }
    }
}
