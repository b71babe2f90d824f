//! The runs of the bench: which SFU gets which load, and what is told of it.

use crate::floor::Floor;
use crate::janus::Janus;
use crate::measure::{ALL_TO_ALL, FOUR, Joins, SIX, Stage, TWO, VOICE, Window};
use crate::network::Network;
use crate::report::{self, Table};
use crate::sfu::Sfu;
use crate::webrtc_crate::Webrtc;
use crate::zzan::Zzan;
use crate::{Options, Part, Which};
use anyhow::Context as _;
use std::path::PathBuf;
use std::time::Duration;

/// Rooms of the comparison: a load that each SFU carries on one core.
const COST_ROOMS: usize = 20;
/// Steps of the search for the capacity, in rooms.
const STEPS: [usize; 12] = [10, 20, 25, 30, 35, 40, 45, 50, 55, 60, 70, 80];
const QUICK_STEPS: [usize; 5] = [10, 20, 40, 60, 70];
/// More is loss.
const LOSS_MAX: f64 = 0.001;
/// Rooms of two that are as many people as the comparison's rooms of four.
const TWO_ROOMS: usize = 2 * COST_ROOMS;
/// Voice channels that are about as many packets as the comparison's rooms of four.
const VOICE_CHANNELS: usize = 8;
/// Where everybody hears everybody, fewer are as many packets.
const CROWDS: usize = 2;
/// As many people as the voice channels have.
const SIXES: usize = 33;
const MEMORY_ROOMS: usize = 40;
const JOINS_A_SECOND: u32 = 10;

pub struct Bench<'a> {
    options: &'a Options,
    network: Network,
    folder: tempfile::TempDir,
    runs: std::cell::Cell<u32>,
}

pub async fn run(options: &Options) -> anyhow::Result<()> {
    let bench = Bench { options, network: Network::open(), folder: tempfile::tempdir()?, runs: std::cell::Cell::new(0) };
    report::machine(options, bench.network.is_isolated());
    let parts = [Part::Cost, Part::Capacity, Part::Latency, Part::Shapes, Part::Memory, Part::Workers];
    let mut capacities = vec![];
    for part in parts.into_iter().filter(|part| options.part.is_empty() || options.part.contains(part)) {
        match part {
            Part::Cost => bench.cost().await?,
            Part::Capacity => capacities = bench.capacity().await?,
            Part::Latency => bench.latency(&capacities).await?,
            Part::Shapes => bench.shapes().await?,
            Part::Memory => bench.memory().await?,
            Part::Workers => bench.workers().await?,
        }
    }
    Ok(())
}

impl Bench<'_> {
    fn all(&self) -> Vec<Which> {
        let all = [Which::Floor, Which::Zzan, Which::Janus, Which::Webrtc];
        let runs = |which: &Which| match which {
            Which::Janus => self.network.is_isolated() && Janus::program().is_some(),
            Which::Floor | Which::Zzan | Which::Webrtc => true,
        };
        all.into_iter().filter(|which| (self.options.sfu.is_empty() || self.options.sfu.contains(which)) && runs(which)).collect()
    }

    fn window(&self) -> Duration {
        Duration::from_secs(if self.options.quick { 3 } else { 5 })
    }

    async fn start(&self, which: Which) -> anyhow::Result<Stage> {
        self.start_with(which, 1, &self.options.sfu_core).await
    }

    async fn start_with(&self, which: Which, workers: usize, cores: &str) -> anyhow::Result<Stage> {
        let folder: PathBuf = self.folder.path().join(self.runs.get().to_string());
        self.runs.set(self.runs.get() + 1);
        std::fs::create_dir(&folder)?;
        let network = &self.network;
        let sfu: Box<dyn Sfu> = match which {
            Which::Floor => Box::new(Floor::start(network, cores, &folder).await?),
            Which::Zzan => Box::new(Zzan::start(network, cores, &folder, &self.options.zzan, workers).await?),
            Which::Janus => Box::new(Janus::start(network, cores, &folder, &Janus::program().context("janus")?).await?),
            Which::Webrtc => Box::new(Webrtc::start(network, cores, &folder).await?),
        };
        Stage::new(sfu).await
    }

    /// Everybody at the same load, one after the other, as often as it takes to see how much figures vary.
    async fn cost(&self) -> anyhow::Result<()> {
        let mut compared: Vec<Compared> = vec![];
        for _ in 0..if self.options.quick { 1 } else { 3 } {
            for which in self.all() {
                let mut stage = self.start(which).await?;
                let joins = stage.fill(COST_ROOMS, FOUR).await?;
                let window = stage.window(self.window()).await?;
                report::progress(stage.sfu.name(), &window);
                let person_bytes = window.resident_bytes.saturating_sub(stage.empty_bytes) / stage.people() as u64;
                let run = CostRun { window, joins, person_bytes };
                match compared.iter_mut().find(|compared| compared.which == which) {
                    Some(compared) => compared.runs.push(run),
                    None => compared.push(Compared { which, name: stage.sfu.name(), settings: stage.sfu.settings(), runs: vec![run] }),
                }
            }
        }
        println!("\nSFUs:");
        compared.iter().for_each(|compared| println!("* {}: {}", compared.name, compared.settings));
        cost_table(&compared).print();
        Ok(())
    }

    /// Adds rooms until receivers miss more than one packet in a thousand.
    async fn capacity(&self) -> anyhow::Result<Vec<(Which, usize)>> {
        let mut table = Table::new(
            "Rooms of 4 added step by step",
            &["SFU", "rooms", "packets/s", "loss %", "CPU µs per packet", "× floor", "CPU of a core %", "load's CPU %", "p99 ms"],
        );
        let (mut capacities, mut floor) = (vec![], vec![]);
        let steps = if self.options.quick { &QUICK_STEPS[..] } else { &STEPS };
        for which in self.all() {
            let mut stage = self.start(which).await?;
            let mut carried = 0;
            for rooms in steps {
                stage.fill(*rooms, FOUR).await?;
                let window = stage.window(Duration::from_secs(3)).await?;
                report::progress(stage.sfu.name(), &window);
                if which == Which::Floor {
                    floor.push((*rooms, window.micros()));
                }
                let at_floor = floor.iter().find(|(known, _)| known == rooms);
                table.row(vec![
                    stage.sfu.name().into(),
                    rooms.to_string(),
                    format!("{:.0}", window.rate()),
                    format!("{:.3}", window.loss() * 100.0),
                    format!("{:.2}", window.micros()),
                    at_floor.map_or_else(String::new, |(_, floor)| format!("{:.2}", window.micros() / floor)),
                    format!("{:.0}", window.busy() * 100.0),
                    format!("{:.0}", window.load_busy() * 100.0),
                    format!("{:.2}", window.latency_ms(0.99)),
                ]);
                if window.loss() > LOSS_MAX {
                    break;
                }
                carried = *rooms;
            }
            capacities.push((which, carried));
        }
        table.print();
        Ok(capacities)
    }

    async fn latency(&self, capacities: &[(Which, usize)]) -> anyhow::Result<()> {
        let mut table = Table::new(
            "Latency from the sender's send to the receiver's kernel, at half of the capacity",
            &["SFU", "rooms", "joins/s", "packets/s", "loss %", "CPU of a core %", "p50 ms", "p99 ms", "p99.9 ms"],
        );
        for which in self.all() {
            let capacity = capacities.iter().find(|(known, _)| *known == which).map_or(COST_ROOMS, |(_, rooms)| *rooms);
            let rooms = (capacity / 2).max(1);
            let mut stage = self.start(which).await?;
            stage.fill(rooms, FOUR).await?;
            for joins in [0, JOINS_A_SECOND] {
                let window = match joins {
                    0 => stage.window(self.window()).await,
                    joins => stage.window_with_joins(self.window(), joins).await,
                };
                let window = match window {
                    Ok(window) => window,
                    // The others are measured all the same.
                    Err(error) => {
                        eprintln!("{}: no figure with {joins} joins a second: {error}", stage.sfu.name());
                        break;
                    }
                };
                report::progress(stage.sfu.name(), &window);
                table.row(vec![
                    stage.sfu.name().into(),
                    rooms.to_string(),
                    joins.to_string(),
                    format!("{:.0}", window.rate()),
                    if joins == 0 { format!("{:.3}", window.loss() * 100.0) } else { "–".into() },
                    format!("{:.0}", window.busy() * 100.0),
                    format!("{:.2}", window.latency_ms(0.5)),
                    format!("{:.2}", window.latency_ms(0.99)),
                    format!("{:.2}", window.latency_ms(0.999)),
                ]);
            }
        }
        table.print();
        Ok(())
    }

    async fn shapes(&self) -> anyhow::Result<()> {
        let mut table = Table::new(
            "Other shapes",
            &["SFU", "shape", "packets/s", "loss %", "CPU µs per packet", "CPU of a core %", "p99 ms", "MB per person"],
        );
        for which in self.all() {
            let voice = (VOICE_CHANNELS, VOICE, "25 people, audio, each hears 5");
            let crowd = (CROWDS, ALL_TO_ALL, "25 people, audio, each hears 24");
            let many = match which {
                Which::Zzan => vec![voice],
                Which::Floor => vec![voice, crowd],
                Which::Janus | Which::Webrtc => vec![crowd],
            };
            let [four, two, six] = [
                (COST_ROOMS, FOUR, "4 people, audio and video"),
                (TWO_ROOMS, TWO, "2 people, audio and video"),
                (SIXES, SIX, "6 people, audio, each hears 5"),
            ];
            for (rooms, shape, name) in [four, two].into_iter().chain(many).chain([six]) {
                let mut stage = self.start(which).await?;
                if let Err(error) = stage.fill(rooms, shape).await {
                    table.row(vec![stage.sfu.name().into(), format!("{rooms} × {name}"), format!("left out: {error:#}")]);
                    continue;
                }
                let window = stage.window(self.window()).await?;
                report::progress(stage.sfu.name(), &window);
                table.row(vec![
                    stage.sfu.name().into(),
                    format!("{rooms} × {name}"),
                    format!("{:.0}", window.rate()),
                    format!("{:.3}", window.loss() * 100.0),
                    format!("{:.2}", window.micros()),
                    format!("{:.0}", window.busy() * 100.0),
                    format!("{:.2}", window.latency_ms(0.99)),
                    format!("{:.2}", window.resident_bytes.saturating_sub(stage.empty_bytes) as f64 / 1e6 / stage.people() as f64),
                ]);
            }
        }
        table.print();
        Ok(())
    }

    /// The same rooms twice: what the second wave adds would be a leak.
    async fn memory(&self) -> anyhow::Result<()> {
        let mut table =
            Table::new("Memory over two waves of the same size", &["SFU", "when", "people", "resident MB", "what it says it still has"]);
        for which in self.all().into_iter().filter(|which| *which != Which::Floor) {
            match self.waves(which, &mut table).await {
                Err(error) if which != Which::Zzan => eprintln!("{which:?}: its waves were cut short: {error}"),
                measured => measured?,
            }
        }
        table.print();
        Ok(())
    }

    async fn waves(&self, which: Which, table: &mut Table) -> anyhow::Result<()> {
        let mut stage = self.start(which).await?;
        table.row(vec![stage.sfu.name().into(), "at the start".into(), "0".into(), megabytes(stage.empty_bytes)]);
        let rooms = if which == Which::Zzan { MEMORY_ROOMS } else { COST_ROOMS };
        for wave in ["first wave", "second wave"] {
            stage.fill(rooms, FOUR).await?;
            let window = stage.window(Duration::from_secs(2)).await?;
            table.row(vec![stage.sfu.name().into(), wave.into(), stage.people().to_string(), megabytes(window.resident_bytes)]);
            stage.empty().await?;
            let left = stage.sfu.process().usage()?.resident_bytes;
            let remains = stage.sfu.remains().await?;
            table.row(vec![stage.sfu.name().into(), "after it left".into(), "0".into(), megabytes(left), remains]);
        }
        Ok(())
    }

    /// CPU time per packet of the media threads: with two on two cores, which the load shares, time on the clock would tell nothing.
    async fn workers(&self) -> anyhow::Result<()> {
        let mut table = Table::new(
            "zzan with one and two workers",
            &["workers", "packets/s", "loss %", "CPU µs per packet, all of it", "media threads' CPU ms each"],
        );
        let both = format!("{},{}", self.options.sfu_core, self.options.load_core);
        for (workers, cores) in [(1, &self.options.sfu_core), (2, &both)] {
            let mut stage = self.start_with(Which::Zzan, workers, cores).await?;
            stage.fill(COST_ROOMS, FOUR).await?;
            let window = stage.window(self.window()).await?;
            report::progress(stage.sfu.name(), &window);
            let threads: Vec<String> = window.threads.iter().map(|time| time.as_millis().to_string()).collect();
            table.row(vec![
                workers.to_string(),
                format!("{:.0}", window.rate()),
                format!("{:.3}", window.loss() * 100.0),
                format!("{:.2}", window.micros()),
                threads.join(" + "),
            ]);
        }
        table.print();
        Ok(())
    }
}

/// One pass of one SFU at the load of the comparison.
struct CostRun {
    window: Window,
    joins: Joins,
    person_bytes: u64,
}

struct Compared {
    which: Which,
    name: &'static str,
    settings: String,
    runs: Vec<CostRun>,
}

fn cost_table(compared: &[Compared]) -> Table {
    let micros = |run: &CostRun| run.window.micros();
    let floor = compared.iter().find(|compared| compared.which == Which::Floor).map(|floor| median(&floor.runs, micros));
    let mut table = Table::new(
        &format!("{COST_ROOMS} rooms of 4, the same load for all (min / median / max of the passes)"),
        &[
            "SFU",
            "CPU µs per packet",
            "× floor",
            "packets/s",
            "loss %",
            "CPU of a core %",
            "p50 ms",
            "p99 ms",
            "CPU ms per join",
            "MB per person",
        ],
    );
    for Compared { which, name, runs, .. } in compared {
        let of = |value: fn(&CostRun) -> f64| format!("{:.2}", median(runs, value));
        table.row(vec![
            (*name).to_owned(),
            spread(runs, micros),
            floor.map_or_else(String::new, |floor| format!("{:.2}", median(runs, micros) / floor)),
            format!("{:.0}", median(runs, |run| run.window.rate())),
            of(|run| run.window.loss() * 100.0),
            format!("{:.0}", median(runs, |run| run.window.busy() * 100.0)),
            of(|run| run.window.latency_ms(0.5)),
            of(|run| run.window.latency_ms(0.99)),
            // The floor's keys are handed to it.
            if *which == Which::Floor { "–".into() } else { of(|run| run.joins.cpu_ms()) },
            of(|run| run.person_bytes as f64 / 1e6),
        ]);
    }
    table
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

fn sorted<T>(runs: &[T], value: impl Fn(&T) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = runs.iter().map(value).collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

fn median<T>(runs: &[T], value: impl Fn(&T) -> f64) -> f64 {
    let values = sorted(runs, value);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn spread<T>(runs: &[T], value: impl Fn(&T) -> f64) -> String {
    let values = sorted(runs, value);
    match values[..] {
        [only] => format!("{only:.2}"),
        [] => String::new(),
        [first, .., last] => format!("{first:.2} / {:.2} / {last:.2}", values[values.len() / 2]),
    }
}
