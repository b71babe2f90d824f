use super::*;
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

fn audio(ssrc: u32, sequence: u64, timestamp: u32) -> Incoming<'static> {
    Incoming { ssrc: ssrc.into(), sequence, timestamp, starts_decoding: true, vp8: None, clock: None }
}

/// A VP8 payload with a 15-bit picture id, tl0 and key index.
fn vp8_payload(picture_id: u16, tl0: u8, key_idx: u8) -> Vec<u8> {
    vec![0x90, 0xf0, 0x80 | (picture_id >> 8) as u8, picture_id as u8, tl0, 0x20 | (key_idx & 0x1f), 0x00, 1, 2, 3]
}

/// The descriptor numbers that a receiver of the patched payload would read.
fn patched(payload: &[u8], patch: Vp8Patch) -> (u16, u8, u8) {
    // The patch can only be applied inside str0m; its Debug form names the bytes that it replaces.
    let text = format!("{patch:?}");
    let list = |name: &str| -> Vec<usize> {
        let from = text.find(name).expect("field") + name.len();
        let text = &text[from..];
        let text = &text[text.find('[').expect("list") + 1..text.find(']').expect("end")];
        text.split(',').map(|n| n.trim().parse().expect("number")).collect()
    };
    let (offsets, bytes) = (list("offsets"), list("bytes"));
    let mut payload = payload.to_vec();
    for (&offset, &byte) in offsets.iter().zip(&bytes).filter(|&(&offset, _)| offset > 0) {
        payload[offset] = byte as u8;
    }
    let read = Vp8Descriptor::parse(&payload).expect("still VP8");
    (read.picture_id().expect("pid"), read.tl0_pic_idx().expect("tl0"), read.key_idx().expect("key"))
}

#[test]
fn a_stream_starts_below_the_first_roll_over() {
    let mut rewriter = Rewriter::new(Kind::Audio, u32::MAX);
    let out = rewriter.rewrite(&audio(1, 7 << 16, 5), Instant::now()).expect("forwarded");
    assert!(out.sequence < 65_536 / 2);
}

#[test]
fn gaps_and_late_packets_of_one_source_keep_their_places() {
    let mut rewriter = Rewriter::new(Kind::Audio, 100);
    let now = Instant::now();
    let outs: Vec<_> = [50, 53, 51].map(|s| rewriter.rewrite(&audio(1, s, 0), now).expect("forwarded").sequence).into();
    assert_eq!(outs, [100, 103, 101]);
}

#[test]
fn a_switch_continues_behind_the_newest_packet_and_by_the_time_that_passed() {
    let mut rewriter = Rewriter::new(Kind::Video, 100);
    let now = Instant::now();
    rewriter.rewrite(&audio(1, 50, 1_000), now).expect("forwarded");
    rewriter.switch();
    let out = rewriter.rewrite(&audio(2, 9_000, 77), now + 100 * MS).expect("forwarded");
    assert_eq!((out.sequence, out.timestamp, out.starts), (101, 1_000 + 9_000, Starts::Yes));
    let late = rewriter.rewrite(&audio(2, 8_999, 70), now + 100 * MS);
    assert_eq!(late, Err(Held::BeforeSwitch));
}

#[test]
fn a_switch_of_layers_keeps_the_moments_that_the_publishers_clock_tells() {
    let second = 90_000u32;
    let clock = |timestamp, ms| Some(Clock { timestamp, wall: Duration::from_secs(1_700_000_000) + ms * MS });
    let mut rewriter = Rewriter::new(Kind::Video, 100);
    let now = Instant::now();
    // Layer 1 told its clock at second 10 of the camera, layer 2 (another offset) at 10.5.
    let of_one = |sequence, timestamp| Incoming { clock: clock(4_000_000_000, 10_000), ..audio(1, sequence, timestamp) };
    let of_two = |sequence, timestamp| Incoming { clock: clock(77, 10_500), ..audio(2, sequence, timestamp) };
    let first = rewriter.rewrite(&of_one(50, 4_000_000_000), now).expect("forwarded");
    rewriter.switch_layer();
    // Taken at 11.0, though it came 30 ms late.
    let switched = rewriter.rewrite(&of_two(9_000, 77 + second / 2), now + 1030 * MS).expect("forwarded");
    assert_eq!(switched.timestamp.wrapping_sub(first.timestamp), second);
    // The same camera frame once more, in the other layer: it must still go forward.
    rewriter.switch_layer();
    let back = rewriter.rewrite(&of_one(80, 4_000_000_000u32.wrapping_add(second)), now + 1040 * MS).expect("forwarded");
    assert_eq!(back.timestamp.wrapping_sub(switched.timestamp), 1);
    // A clock that makes no sense is not followed.
    rewriter.switch_layer();
    let wild = Incoming { clock: clock(77, 99_000), ..audio(2, 9_900, 77) };
    let out = rewriter.rewrite(&wild, now + 1140 * MS).expect("forwarded");
    assert_eq!(out.timestamp.wrapping_sub(back.timestamp), second / 10);
}

#[test]
fn video_waits_for_a_key_frame_after_a_switch_and_after_a_change_of_ssrc() {
    let mut rewriter = Rewriter::new(Kind::Video, 100);
    let now = Instant::now();
    let delta = |ssrc, sequence| Incoming { starts_decoding: false, ..audio(ssrc, sequence, 0) };
    assert_eq!(rewriter.rewrite(&delta(1, 1), now), Err(Held::AwaitsKeyFrame));
    rewriter.rewrite(&audio(1, 2, 0), now).expect("a key frame");
    rewriter.rewrite(&delta(1, 3), now).expect("a delta frame behind it");
    assert_eq!(rewriter.rewrite(&delta(2, 900), now), Err(Held::AwaitsKeyFrame));
    rewriter.rewrite(&audio(2, 901, 0), now).expect("a key frame of the new source");
}

#[test]
fn vp8_numbers_go_on_by_one_over_a_switch() {
    let mut rewriter = Rewriter::new(Kind::Video, 0);
    let now = Instant::now();
    let mut feed = |ssrc: u32, sequence, numbers: (u16, u8, u8)| {
        let payload = vp8_payload(numbers.0, numbers.1, numbers.2);
        let descriptor = Vp8Descriptor::parse(&payload).expect("VP8");
        let out = rewriter.rewrite(&Incoming { vp8: Some(&descriptor), ..audio(ssrc, sequence, 0) }, now).expect("forwarded");
        patched(&payload, out.vp8.expect("patched"))
    };
    assert_eq!(feed(1, 10, (0x7ffe, 250, 30)), (0, 0, 0));
    assert_eq!(feed(1, 11, (0x7fff, 251, 31)), (1, 1, 1));
    assert_eq!(feed(1, 12, (0, 252, 0)), (2, 2, 2));
    assert_eq!(feed(2, 500, (1234, 7, 3)), (3, 3, 3));
    assert_eq!(feed(2, 501, (1235, 7, 3)), (4, 3, 3));
}

#[test]
fn a_sender_of_seven_bit_picture_ids_keeps_them_continuous() {
    let mut rewriter = Rewriter::new(Kind::Video, 0);
    let ids: Vec<_> = (0..300u64)
        .map(|n| {
            let payload = [0x90, 0x80, (n % 128) as u8, 0x00, 1];
            let descriptor = Vp8Descriptor::parse(&payload).expect("VP8");
            let packet = Incoming { vp8: Some(&descriptor), ..audio(1, n, 0) };
            let out = rewriter.rewrite(&packet, Instant::now()).expect("forwarded");
            let expected = descriptor.patch().picture_id((n % 128) as u16).build().expect("fits");
            (out.vp8, Some(expected))
        })
        .collect();
    assert!(ids.iter().all(|(got, expected)| got == expected));
}

#[derive(Debug, Clone)]
enum Step {
    /// Another source, with its own numbers.
    Switch { ssrc: u32, sequence: u16, timestamp: u32 },
    /// The next packets of the source; `skip` are lost on the way.
    Packets { count: u8, skip: u8, ms: u16 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let switch = (1..5u32, any::<u16>(), any::<u32>()).prop_map(|(ssrc, sequence, timestamp)| Step::Switch { ssrc, sequence, timestamp });
    let packets = (1..40u8, 0..5u8, 0..500u16).prop_map(|(count, skip, ms)| Step::Packets { count, skip, ms });
    proptest::collection::vec(prop_oneof![1 => switch, 3 => packets], 1..60)
}

proptest! {
    #[test]
    fn over_any_switches_numbers_only_go_forward(steps in steps()) {
        let mut rewriter = Rewriter::new(Kind::Video, 65_000);
        let mut now = Instant::now();
        let (mut ssrc, mut sequence, mut timestamp) = (1, 70_000u64, 5u32);
        let mut last: Option<Outgoing> = None;
        for step in steps {
            match step {
                Step::Switch { ssrc: s, sequence: q, timestamp: t } => {
                    (ssrc, sequence, timestamp) = (s, u64::from(q), t);
                    rewriter.switch();
                }
                Step::Packets { count, skip, ms } => {
                    for _ in 0..count {
                        let out = rewriter.rewrite(&audio(ssrc, sequence, timestamp), now).expect("forwarded");
                        if let Some(last) = last {
                            prop_assert!(out.sequence > last.sequence);
                            prop_assert!(out.timestamp.wrapping_sub(last.timestamp) < 1 << 31);
                            if out.starts == Starts::Yes {
                                prop_assert_eq!(out.sequence, last.sequence + 1);
                                prop_assert!(out.timestamp != last.timestamp);
                            }
                        }
                        last = Some(out);
                        sequence += 1;
                    }
                    sequence += u64::from(skip);
                    timestamp = timestamp.wrapping_add(u32::from(ms) * 90);
                    now += u32::from(ms) * MS;
                }
            }
        }
    }
}
