//! The command line: flags to settings, and what they run.

use crate::outcome::Shard;
use crate::scenario::Scenario;
use crate::settings::SettingError;
use crate::target::Target;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// The scenarios that come with the program.
pub static SCENARIOS: &[(&str, &str)] = &[
    ("smoke", include_str!("../scenarios/smoke.toml")),
    ("rooms-of-four", include_str!("../scenarios/rooms-of-four.toml")),
    ("chat-heavy", include_str!("../scenarios/chat-heavy.toml")),
    ("churn", include_str!("../scenarios/churn.toml")),
    ("voice", include_str!("../scenarios/voice.toml")),
    ("lossy", include_str!("../scenarios/lossy.toml")),
];

/// Groups of the help.
const SENDS: &str = "Scenario: what everybody sends";
/// See [`SENDS`].
const CHURN: &str = "Scenario: coming and going";
/// See [`SENDS`].
const LINK: &str = "Scenario: a bad network between people and server, for their media";

const EXAMPLES: &str = "\
Examples:
  A first run, against `zzan serve --dev` on this machine:
    zzan-loadtest
  Ten rooms of four for a minute, with a report to open in a browser:
    zzan-loadtest --scenario rooms-of-four --html report.html
  Somebody else's deployment; the secret is read from the environment:
    ZZAN_LOADTEST_SECRET=… zzan-loadtest --url https://zzan.example.com --key shop --scenario smoke
  A release gate: exit code 1 when joins are slow or packets get lost:
    zzan-loadtest --scenario rooms-of-four --threshold join_p95_ms=1000 --threshold loss_percent=0.5 --json result.json
  One run from two machines, starting together, and one report of it:
    zzan-loadtest --scenario big.toml --run tuesday --shard 1/2 --start-at 1800000000 --json 1.json
    zzan-loadtest --scenario big.toml --run tuesday --shard 2/2 --start-at 1800000000 --json 2.json
    zzan-loadtest merge 1.json 2.json --html report.html

Exit codes:
  0  every threshold holds          2  a flag, a file or a value is wrong
  1  a threshold is missed          3  the target can't be reached, refuses the key, or makes no room
  130  stopped at once by a second Ctrl-C";

/// Sends headless users into rooms of a zzan deployment and measures what they see.
///
/// They make rooms over REST, join like browsers do (socket.io and WebRTC), send synthetic audio and video, write, leave and come back,
/// over a bad network if asked for, and measure joins, packet latency, loss, freezes and chat. The defaults fit a node in dev mode on this
/// machine. Ctrl-C ends a run early, with the report of what there is.
#[derive(Debug, Parser)]
#[command(name = "zzan-loadtest", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: RunArguments,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes one report of the JSON results of several processes that shared a run
    Merge(MergeArguments),
}

#[derive(Debug, Args)]
pub struct MergeArguments {
    /// Results, as --json wrote them
    #[arg(required = true, value_name = "RESULT.json")]
    pub results: Vec<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// Write the report as one HTML file that needs nothing else
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the counts and figures as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// The figure must not exceed LIMIT, or the exit code is 1. May be given several times; docs/loadtest.md lists the figures
    #[arg(long = "threshold", value_name = "FIGURE=LIMIT")]
    pub thresholds: Vec<String>,
}

#[derive(Debug, Args)]
pub struct RunArguments {
    #[command(flatten)]
    pub target: TargetArguments,
    #[command(flatten)]
    pub scenario: ScenarioArguments,
    #[command(flatten)]
    pub sharing: Sharing,
    #[command(flatten)]
    pub output: Output,
    /// No progress bars. They are left out anyway where the error output is no terminal
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Target")]
pub struct TargetArguments {
    /// The deployment's address: http or https, host and port
    #[arg(long, default_value = "http://127.0.0.1:8080", env = "ZZAN_LOADTEST_URL")]
    pub url: Target,
    /// Id of an API key of the deployment
    #[arg(long, default_value = "devkey", env = "ZZAN_LOADTEST_KEY")]
    pub key: String,
    /// Secret of that key. The environment keeps it out of process lists
    #[arg(long, default_value = "devsecret-devsecret-devsecret-32ch", env = "ZZAN_LOADTEST_SECRET", hide_env_values = true)]
    pub secret: String,
    /// PEM file of certificate authorities to trust for https, instead of this machine's
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Scenario: the file, and flags over it")]
pub struct ScenarioArguments {
    /// A TOML file, or one that comes with the program: smoke, rooms-of-four, chat-heavy, churn, voice, lossy
    #[arg(long, short, value_name = "FILE|NAME")]
    pub scenario: Option<String>,
    /// Print the scenario as a TOML file, with the flags in it, and end
    #[arg(long)]
    pub print_scenario: bool,
    /// Rooms to fill [1 to 1000; default 1]
    #[arg(long, value_name = "N")]
    rooms: Option<String>,
    /// Kind of the rooms: buddy, in which everybody receives everybody, or voice, in which the loudest are heard [default buddy]
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// People in each room [2 to 4, in voice rooms to 50; default 4]
    #[arg(long, value_name = "N")]
    people: Option<String>,
    /// How long to go on once all have joined: a number with ms, s or m [at most 60m; default 20s]
    #[arg(long, value_name = "TIME")]
    duration: Option<String>,
    /// Let the people join one after the other over this time [default 0s]
    #[arg(long, value_name = "TIME")]
    ramp: Option<String>,
    /// People who may be joining at the same time [1 to 256; default 8]
    #[arg(long, value_name = "N")]
    joins_at_once: Option<String>,
    /// Same seed, same times of leaving and same packets lost on the link [default 1]
    #[arg(long, value_name = "N")]
    seed: Option<String>,
    /// People of each room who speak at the same time, in turns of a second [default 1]
    #[arg(long, value_name = "N", help_heading = SENDS)]
    speaking: Option<String>,
    /// Audio packets a second of each person [1 to 1000; default 50]
    #[arg(long, value_name = "N", help_heading = SENDS)]
    audio_pps: Option<String>,
    /// Bytes of each audio packet [60 to 1180; default 100]
    #[arg(long, value_name = "N", help_heading = SENDS)]
    audio_bytes: Option<String>,
    /// Send no audio
    #[arg(long, help_heading = SENDS)]
    no_audio: bool,
    /// Video packets a second of each person [5 to 5000; default 170]
    #[arg(long, value_name = "N", help_heading = SENDS)]
    video_pps: Option<String>,
    /// Bytes of each video packet [60 to 1180; default 1100]
    #[arg(long, value_name = "N", help_heading = SENDS)]
    video_bytes: Option<String>,
    /// Frames a second [5 to 60; default 30]
    #[arg(long, value_name = "N", help_heading = SENDS)]
    video_fps: Option<String>,
    /// Send three layers, with a tenth, a third and all of the video's bitrate
    #[arg(long, help_heading = SENDS)]
    simulcast: bool,
    /// How large everybody shows everybody else, which decides on the simulcast layer [WIDTHxHEIGHT; default any]
    #[arg(long, value_name = "SIZE", help_heading = SENDS)]
    tile: Option<String>,
    /// Other people's videos that each person can receive at the same time [0 to 49; default 4]
    #[arg(long, value_name = "N", help_heading = SENDS)]
    video_slots: Option<String>,
    /// Send no video
    #[arg(long, help_heading = SENDS)]
    no_video: bool,
    /// Messages a minute of each person [0 to 600; default 6]
    #[arg(long, value_name = "N", help_heading = SENDS)]
    chat_per_minute: Option<String>,
    /// Bytes of each message [60 to 4000; default 80]
    #[arg(long, value_name = "N", help_heading = SENDS)]
    chat_bytes: Option<String>,
    /// How often a minute each person leaves, to come back later [0 to 60; default 0]
    #[arg(long, value_name = "N", help_heading = CHURN)]
    leaves_per_minute: Option<String>,
    /// How many of the leaves are without a word, as of a killed browser, in percent [default 0]
    #[arg(long, value_name = "PERCENT", help_heading = CHURN)]
    abrupt: Option<String>,
    /// How long those who left stay away [at most 10m; default 3s]
    #[arg(long, value_name = "TIME", help_heading = CHURN)]
    away: Option<String>,
    /// How often a minute each person's signaling connection is cut, to come back at once [0 to 60; default 0]
    #[arg(long, value_name = "N", help_heading = CHURN)]
    cuts_per_minute: Option<String>,
    /// Packets that the link loses at random, each way, in percent [default 0]
    #[arg(long, value_name = "PERCENT", help_heading = LINK)]
    loss: Option<String>,
    /// Capacity of the link, each way, in kbit/s [0 for no limit, or 32 to 1000000; default 0]
    #[arg(long, value_name = "KBPS", help_heading = LINK)]
    capacity: Option<String>,
    /// What the link adds to each packet's time, each way [at most 2s; default 0s]
    #[arg(long, value_name = "TIME", help_heading = LINK)]
    delay: Option<String>,
    /// What may wait for the link's capacity [1ms to 5s; default 200ms]
    #[arg(long, value_name = "TIME", help_heading = LINK)]
    queue: Option<String>,
    /// How many of the people are behind the link, in percent [default 100]
    #[arg(long, value_name = "PERCENT", help_heading = LINK)]
    link_people: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Machine, and sharing a run with others")]
pub struct Sharing {
    /// Threads for the users [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
    /// Do the i-th of n parts of the rooms; needs --run
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    pub shard: Shard,
    /// Name of the run, the same for all who share it [default: a random one]
    #[arg(long, value_name = "NAME")]
    pub run: Option<String>,
    /// When to begin, in seconds since 1970, as `date +%s` tells them [default: at once]
    #[arg(long, value_name = "SECONDS")]
    pub start_at: Option<u64>,
}

/// Why the arguments make no scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error("--scenario {0}: {1}; scenarios that come with the program are {names}", names = names())]
    File(String, std::io::Error),
    #[error("{0}")]
    People(String),
    #[error("--threshold {0}: expected FIGURE=LIMIT, such as join_p95_ms=1000")]
    Threshold(String),
}

fn names() -> String {
    SCENARIOS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

impl ScenarioArguments {
    /// The file's scenario with the flags over it.
    ///
    /// # Errors
    /// [`ScenarioError`].
    pub fn scenario(&self, output: &Output) -> Result<Scenario, ScenarioError> {
        let mut scenario = Scenario::default();
        if let Some(name) = &self.scenario {
            let text = match SCENARIOS.iter().find(|(known, _)| known == name) {
                Some((_, text)) => (*text).to_owned(),
                None => std::fs::read_to_string(name).map_err(|error| ScenarioError::File(name.clone(), error))?,
            };
            scenario.set_toml(name, &text)?;
        }
        for (flag, key, value) in self.flags() {
            scenario.set(flag, key, value)?;
        }
        output.set_thresholds(&mut scenario)?;
        scenario.check().map_err(ScenarioError::People)?;
        Ok(scenario)
    }

    /// The flags that were given, with their keys and values.
    fn flags(&self) -> Vec<(&'static str, &'static str, &str)> {
        let values = [
            ("--rooms", "rooms", &self.rooms),
            ("--kind", "kind", &self.kind),
            ("--people", "people", &self.people),
            ("--duration", "duration", &self.duration),
            ("--ramp", "ramp", &self.ramp),
            ("--joins-at-once", "joins_at_once", &self.joins_at_once),
            ("--seed", "seed", &self.seed),
            ("--speaking", "audio.speaking", &self.speaking),
            ("--audio-pps", "audio.pps", &self.audio_pps),
            ("--audio-bytes", "audio.bytes", &self.audio_bytes),
            ("--video-pps", "video.pps", &self.video_pps),
            ("--video-bytes", "video.bytes", &self.video_bytes),
            ("--video-fps", "video.fps", &self.video_fps),
            ("--tile", "video.tile", &self.tile),
            ("--video-slots", "video.slots", &self.video_slots),
            ("--chat-per-minute", "chat.per_minute", &self.chat_per_minute),
            ("--chat-bytes", "chat.bytes", &self.chat_bytes),
            ("--leaves-per-minute", "churn.leaves_per_minute", &self.leaves_per_minute),
            ("--abrupt", "churn.abrupt_percent", &self.abrupt),
            ("--away", "churn.away", &self.away),
            ("--cuts-per-minute", "churn.cuts_per_minute", &self.cuts_per_minute),
            ("--loss", "link.loss_percent", &self.loss),
            ("--capacity", "link.capacity_kbps", &self.capacity),
            ("--delay", "link.delay", &self.delay),
            ("--queue", "link.queue", &self.queue),
            ("--link-people", "link.people_percent", &self.link_people),
        ];
        let switches = [
            ("--no-audio", "audio.on", self.no_audio, "false"),
            ("--no-video", "video.on", self.no_video, "false"),
            ("--simulcast", "video.simulcast", self.simulcast, "true"),
        ];
        let values = values.into_iter().filter_map(|(flag, key, value)| Some((flag, key, value.as_deref()?)));
        values.chain(switches.into_iter().filter(|(.., on, _)| *on).map(|(flag, key, _, value)| (flag, key, value))).collect()
    }
}

impl Output {
    /// The thresholds of the flags, over the scenario's.
    ///
    /// # Errors
    /// [`ScenarioError`].
    pub fn set_thresholds(&self, scenario: &mut Scenario) -> Result<(), ScenarioError> {
        for threshold in &self.thresholds {
            let (figure, limit) = threshold.split_once('=').ok_or_else(|| ScenarioError::Threshold(threshold.clone()))?;
            scenario.thresholds.set("--threshold", figure, limit)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::time::Duration;

    fn scenario(flags: &str) -> Result<Scenario, ScenarioError> {
        let cli = Cli::try_parse_from(["zzan-loadtest"].into_iter().chain(flags.split_whitespace())).unwrap();
        cli.run.scenario.scenario(&cli.run.output)
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_flags_it_is_the_default_scenario() {
        assert_eq!(scenario("").unwrap(), Scenario::default());
    }

    #[test]
    fn flags_override_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "rooms = 7\npeople = 3\n[video]\non = true\n[thresholds]\nerrors = 5").unwrap();
        let flags = format!("--scenario {} --rooms 2 --no-video --duration 5s --threshold errors=1", file.path().display());
        let scenario = scenario(&flags).unwrap();
        assert_eq!((scenario.rooms, scenario.people, scenario.video.on, scenario.duration), (2, 3, false, Duration::from_secs(5)));
        assert!(scenario.thresholds.iter().any(|limit| limit == ("errors", 1.0)));
    }

    #[test]
    fn every_flag_sets_its_key() {
        let flags = "--rooms 2 --kind voice --speaking 2 --video-slots 3 --tile 320x180 --people 3 --duration 2s --ramp 3s --joins-at-once 4 --seed 5 --audio-pps 6 --audio-bytes 70 --video-pps 80 \
                     --video-bytes 90 --video-fps 10 --chat-per-minute 11 --chat-bytes 120 --leaves-per-minute 13 --abrupt 14 --away 15s \
                     --cuts-per-minute 16 --loss 17 --capacity 180 --delay 19ms --queue 20ms --link-people 21 --no-audio --no-video --simulcast";
        let (changed, default) = (scenario(flags).unwrap().entries(), Scenario::default().entries());
        let same: Vec<_> = changed.iter().filter(|entry| default.contains(entry)).map(|(key, _)| key.as_str()).collect();
        assert!(same.iter().all(|key| *key == "name" || key.starts_with("thresholds.")), "no flag sets {same:?}");
    }

    #[test]
    fn a_wrong_value_names_its_flag_and_what_is_allowed() {
        let told = |flags: &str| scenario(flags).unwrap_err().to_string();
        assert_eq!(told("--people 51"), r#"--people: people = "51": allowed are 2 to 50"#);
        assert_eq!(told("--people 5"), r#"people = 5: allowed are 2 to 4, and up to 50 with kind = "voice""#);
        assert!(scenario("--people 5 --kind voice").is_ok());
        assert!(told("--threshold join_p95=5").contains("did you mean \"thresholds.join_p95_ms\"?"));
        assert!(told("--threshold join_p95_ms").contains("expected FIGURE=LIMIT"));
        let missing = told("--scenario /nonexistent.toml");
        assert!(
            missing.starts_with("--scenario /nonexistent.toml: ")
                && missing.ends_with("smoke, rooms-of-four, chat-heavy, churn, voice, lossy")
        );
    }

    #[test]
    fn the_scenarios_that_come_along_are_valid_and_named_after_their_files() {
        for (name, _) in SCENARIOS {
            let scenario = scenario(&format!("--scenario {name}")).unwrap();
            assert_eq!(scenario.name, *name);
            assert!(scenario.duration <= Duration::from_secs(60), "{name} ends within a minute");
        }
    }
}
