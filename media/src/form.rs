//! The form of an offer, checked on its text.
//!
//! Refuses early, and with words that help, what the SDP library would refuse later, or take and never connect, or panic on.
//! Invariant: in an accepted offer each mid stands once, and each payload type means one thing in all m-lines.

use crate::OfferError;
use crate::config::Limits;
use std::collections::HashMap;
use str0m::media::Mid;

/// Returns the mids of the audio and video m-lines.
pub(crate) fn check(text: &str, limits: &Limits) -> Result<Vec<Mid>, OfferError> {
    if !text.starts_with("v=0") {
        return Err(OfferError::invalid("the text is not SDP"));
    }
    let lines = text.lines().filter(|line| line.starts_with("m=")).count();
    let has = |prefix: &str| text.lines().any(|line| line.starts_with(prefix));
    let checks = [
        (lines > 0, "the offer has no m-line".to_owned()),
        (lines <= limits.media_lines_max, format!("the offer has {lines} m-lines, more than {}", limits.media_lines_max)),
        (has("a=ice-ufrag:") && has("a=ice-pwd:"), "the offer has no ice-ufrag and ice-pwd".to_owned()),
        (has("a=fingerprint:"), "the offer has no fingerprint".to_owned()),
        // RFC 8829 §5.2.1: what an answer never has.
        (text.lines().any(|line| line == "a=setup:actpass"), "not an offer: a=setup must be actpass".to_owned()),
        (has("a=group:BUNDLE ") || lines == 1, "the m-lines are not bundled".to_owned()),
    ];
    if let Some((_, reason)) = checks.into_iter().find(|(holds, _)| !holds) {
        return Err(OfferError::invalid(reason));
    }
    check_payload_types(text)?;
    check_h264_profiles(text)?;
    mids(text)
}

/// The digests of all fingerprints, in upper case.
pub(crate) fn fingerprints(text: &str) -> Vec<String> {
    let values = text.lines().filter_map(|line| line.strip_prefix("a=fingerprint:"));
    values.filter_map(|value| Some(value.split_once(' ')?.1.trim().to_ascii_uppercase())).collect()
}

fn mids(text: &str) -> Result<Vec<Mid>, OfferError> {
    let (mut mids, mut in_media) = (vec![], false);
    for line in text.lines() {
        if let Some(media) = line.strip_prefix("m=") {
            in_media = media.starts_with("audio ") || media.starts_with("video ");
        }
        if let Some(mid) = line.strip_prefix("a=mid:").filter(|_| in_media) {
            let mid = Mid::from(mid);
            if mids.contains(&mid) {
                return Err(OfferError::invalid(format!("two m-lines have the mid {mid}")));
            }
            mids.push(mid);
        }
    }
    Ok(mids)
}

/// RFC 8843 §9.1: in a bundle, a payload type means the same in every m-line. RFC 8866 §5.14: within one it stands once.
fn check_payload_types(text: &str) -> Result<(), OfferError> {
    let mut meanings: HashMap<&str, &str> = HashMap::new();
    let mut repairs: HashMap<&str, &str> = HashMap::new();
    let mut repaired: HashMap<&str, &str> = HashMap::new();
    let mut here: Vec<&str> = vec![];
    for line in text.lines() {
        if line.starts_with("m=") {
            here.clear();
        } else if let Some((pt, codec)) = line.strip_prefix("a=rtpmap:").and_then(|map| map.split_once(' ')) {
            if here.contains(&pt) || meanings.insert(pt, codec).is_some_and(|other| other != codec) {
                return Err(ambiguous(pt));
            }
            here.push(pt);
        } else if let Some((pt, main)) = line.strip_prefix("a=fmtp:").and_then(|format| format.split_once(" apt=")) {
            let other_main = repairs.insert(pt, main).is_some_and(|other| other != main);
            let other_repair = repaired.insert(main, pt).is_some_and(|other| other != pt);
            if other_main || other_repair || pt == main {
                return Err(ambiguous(pt));
            }
        }
    }
    // What repairs must be a repair format, or it would be claimed twice.
    let repair = |pt: &&str| meanings.get(*pt).is_some_and(|codec| codec.to_ascii_lowercase().starts_with("rtx/"));
    match repairs.keys().find(|pt| !repair(pt)) {
        Some(pt) => Err(ambiguous(pt)),
        None => Ok(()),
    }
}

/// Two profiles or packetization modes are two formats of H264 (RFC 6184 §8.2.2), and the SDP library would lock the number for both. Levels may
/// differ: browsers name what they can encode and what they can decode.
fn check_h264_profiles(text: &str) -> Result<(), OfferError> {
    let mut formats: HashMap<&str, (Option<&str>, &str)> = HashMap::new();
    for section in text.split("\nm=") {
        let is_h264 = |codec: &str| codec.get(..5).is_some_and(|name| name.eq_ignore_ascii_case("h264/"));
        let mapped = section.lines().filter_map(|line| line.strip_prefix("a=rtpmap:")?.split_once(' '));
        for (pt, _) in mapped.filter(|(_, codec)| is_h264(codec)) {
            let of_pt =
                |line: &&str| line.strip_prefix("a=fmtp:").and_then(|rest| rest.strip_prefix(pt)).is_some_and(|rest| rest.starts_with(' '));
            let parameters = section.lines().find(of_pt).unwrap_or_default();
            let format = (
                parameter(parameters, "profile-level-id=").and_then(|id| id.get(..4)),
                parameter(parameters, "packetization-mode=").unwrap_or("0"),
            );
            if formats.insert(pt, format).is_some_and(|other| other != format) {
                return Err(ambiguous(pt));
            }
        }
    }
    Ok(())
}

fn parameter<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split([';', ' ']).find_map(|parameter| parameter.trim().strip_prefix(name))
}

fn ambiguous(pt: &str) -> OfferError {
    OfferError::invalid(format!("payload type {pt} has two meanings"))
}
