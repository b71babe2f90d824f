//! The SFU in a process of its own, so that its memory and CPU time are nobody else's, steered by lines over its standard input.

use crate::cpu;
use media::{Command, Config, Event, EventSink, Kind, PeerId, Room, TrackId};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::num::NonZeroUsize;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The first argument of the child process.
pub const CHILD: &str = "sfu";

/// A slot of a joined client: its m-line and whether it is video.
pub type SlotLine = (String, bool);

/// What the SFU's process counted so far.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    pub at: Instant,
    pub forwarded: u64,
    /// Packets that were not forwarded though they should have been.
    pub dropped: u64,
    /// CPU time of the workers, and of the whole process.
    pub workers: Duration,
    pub process: Duration,
    pub resident: u64,
}

/// The SFU's process as the load sees it. Killed on drop.
pub struct Sfu {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Sfu {
    pub fn start(workers: usize) -> Self {
        let program = std::env::current_exe().expect("the running program");
        let mut command = std::process::Command::new(program);
        command.args([CHILD, &workers.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("started");
        let to = child.stdin.take().expect("piped");
        let from = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, to, from }
    }

    fn ask(&mut self, line: &str, body: &str) -> Vec<String> {
        write!(self.to, "{line} {}\n{body}", body.len()).expect("the SFU runs");
        self.to.flush().expect("the SFU runs");
        let mut answer = String::new();
        self.from.read_line(&mut answer).expect("the SFU runs");
        answer.split_whitespace().map(str::to_owned).collect()
    }

    /// Adds a peer, with its tracks published as [`track`] says. Returns the answer and the slots.
    pub fn join(&mut self, room: usize, peer: usize, offer: &str) -> (String, Vec<SlotLine>) {
        let mut answer = self.ask(&format!("join {room} {peer}"), offer).into_iter();
        let length: usize = answer.next().and_then(|length| length.parse().ok()).expect("a length");
        let slots = answer.collect::<Vec<_>>();
        let slots = slots.chunks_exact(2).map(|slot| (slot[0].clone(), slot[1] == "video")).collect();
        let mut sdp = vec![0; length];
        self.from.read_exact(&mut sdp).expect("the SFU runs");
        (String::from_utf8(sdp).expect("SDP"), slots)
    }

    pub fn bind(&mut self, room: usize, peer: usize, slot: &str, track: u64) {
        self.ask(&format!("bind {room} {peer} {slot} {track}"), "");
    }

    pub fn leave(&mut self, room: usize, peer: usize) {
        self.ask(&format!("leave {room} {peer}"), "");
    }

    /// Drops the handle of a room, which closes it.
    pub fn close(&mut self, room: usize) {
        self.ask(&format!("close {room}"), "");
    }

    pub fn counts(&mut self) -> Counts {
        let numbers: Vec<u64> = self.ask("counts", "").iter().map(|n| n.parse().expect("a number")).collect();
        let [forwarded, dropped, workers, process, resident] = numbers[..] else { panic!("five numbers") };
        let (workers, process) = (Duration::from_nanos(workers), Duration::from_nanos(process));
        Counts { at: Instant::now(), forwarded, dropped, workers, process, resident }
    }
}

impl Drop for Sfu {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Audio is the first track of a peer, video the second.
pub fn track(peer: usize, video: bool) -> u64 {
    peer as u64 * 2 + u64::from(video)
}

struct Deaf;

impl EventSink for Deaf {
    fn event(&self, _: Event) {}
}

/// What the child process does: one answer line for each line.
pub fn serve(workers: usize) {
    let config = Config { workers: NonZeroUsize::new(workers).expect("at least one worker"), ..Config::default() };
    let (handle, _workers) = media::start(&config).expect("the SFU starts");
    for worker in 0..workers {
        cpu::pin(&format!("media-{worker}"), (cpu::MEASURED_CORE + worker) % 2);
    }
    let mut rooms: HashMap<usize, Room> = HashMap::new();
    let mut input = std::io::stdin().lock();
    let mut line = String::new();
    while {
        line.clear();
        input.read_line(&mut line).is_ok_and(|read| read > 0)
    } {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |n: usize| words[n].parse::<usize>().expect("a number");
        let mut body = vec![0; number(words.len() - 1)];
        input.read_exact(&mut body).expect("a body");
        let room = |rooms: &mut HashMap<usize, Room>| rooms.entry(number(1)).or_insert_with(|| handle.open_room(Arc::new(Deaf))).clone();
        let answer = match words[0] {
            "join" => join(&room(&mut rooms), number(2), &String::from_utf8(body).expect("SDP")),
            "bind" => {
                let (peer, slot, track) = (PeerId(number(2) as u64), words[3].into(), TrackId(number(4) as u64));
                send(&room(&mut rooms), Command::Bind { peer, slot, track: Some(track) });
                "\n".into()
            }
            "leave" => {
                send(&room(&mut rooms), Command::RemovePeer { peer: PeerId(number(2) as u64) });
                "\n".into()
            }
            "close" => {
                rooms.remove(&number(1));
                "\n".into()
            }
            _ => {
                let stats = handle.stats();
                let dropped = stats.dropped_send + stats.dropped_ssrc_limit + stats.dropped_codec + stats.panics;
                let (workers, process) = (cpu::of_threads("media-").as_nanos(), cpu::of_threads("").as_nanos());
                format!("{} {dropped} {workers} {process} {}\n", stats.rtp_forwarded, cpu::resident())
            }
        };
        let mut output = std::io::stdout().lock();
        output.write_all(answer.as_bytes()).and_then(|()| output.flush()).expect("the load runs");
    }
}

fn join(room: &Room, peer: usize, offer: &str) -> String {
    let negotiated = room.negotiate(offer).expect("the offer is answered");
    let (sources, sdp) = (negotiated.sources.clone(), negotiated.answer.clone());
    let name = |kind| if kind == Kind::Video { "video" } else { "audio" };
    let slots: String = negotiated.slots.iter().map(|slot| format!(" {} {}", slot.mid, name(slot.kind))).collect();
    let id = PeerId(peer as u64);
    send(room, Command::AddPeer { peer: id, negotiated: Box::new(negotiated), tag: vec![], data: false });
    for source in sources {
        let track = TrackId(track(peer, source.kind == Kind::Video));
        send(room, Command::Publish { peer: id, mid: source.mid, track, kind: source.kind });
    }
    format!("{}{slots}\n{sdp}", sdp.len())
}

fn send(room: &Room, command: Command) {
    room.command(command).expect("the worker keeps up with commands");
}
