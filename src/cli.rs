//! The command line: `zzan serve`, `zzan check-config`, `zzan token`, `zzan backup`, `zzan restore`, `zzan export`, `zzan import`.
//!
//! It starts nothing itself. Invariant: each flag that sets a key goes through [`Config::load`], like the file and the environment.

use crate::config::{Config, ENV_FILE, Effective, Problems, Sources};
use crate::store::sqlite::backup;
use crate::store::transfer::{self, TransferError};
use crate::{api, node, store};
use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};
use rooms::session::{Grants, RoomGrants};
use rooms::store::Transfer;
use rooms::{RoomId, User, UserId};
use signaling::token::Subject;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const CONFIG_HELP: &str = "Every key of the configuration can stand in the file (media.workers = 2), in the environment \
    (ZZAN_MEDIA_WORKERS=2), and some as a flag; a flag beats the environment, which beats the file. \
    `zzan check-config` prints them all.";

/// Rooms for calls and chat of two to four, in one binary.
#[derive(Debug, Parser)]
#[command(name = "zzan", version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the node until SIGTERM or SIGINT; a second signal ends it at once.
    #[command(
        after_help = CONFIG_HELP,
        after_long_help = format!("{CONFIG_HELP}\n\nTo try it on this machine: zzan serve --dev\nFor real: zzan serve --config zzan.toml --public-url https://call.example.com")
    )]
    Serve(ConfigArgs),
    /// Checks the configuration and prints what is in force and where it came from; secrets are redacted.
    #[command(after_help = CONFIG_HELP)]
    CheckConfig(ConfigArgs),
    /// Prints a token for one user, signed with a configured key.
    #[command(after_help = "For the room's page: zzan token --dev --user u1 --name 하나 --room room_…")]
    Token(TokenArgs),
    /// Copies the database into one new file, also while a node runs on it.
    #[command(
        after_help = "All that was acknowledged before the command began is in the copy. zzan backup --data-dir ./data --to zzan-backup.db"
    )]
    Backup(BackupArgs),
    /// Puts a backup into an empty data directory.
    #[command(after_help = "As the user that zzan runs as: zzan restore --from zzan-backup.db --data-dir ./data")]
    Restore(RestoreArgs),
    /// Writes everything that the configured store holds into one new file of JSON lines, from which any kind of store is filled.
    #[command(after_help = "No node may use the store meanwhile. zzan export --config zzan.toml --to zzan-export.jsonl")]
    Export(ExportArgs),
    /// Fills the configured store, which has to be empty, from an export.
    #[command(after_help = "No node may use the store meanwhile. zzan import --config new.toml --from zzan-export.jsonl")]
    Import(ImportArgs),
}

#[derive(Debug, Args)]
struct ExportArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The file to make. One that is there is never overwritten.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

#[derive(Debug, Args)]
struct ImportArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The export.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
}

#[derive(Debug, Args)]
struct BackupArgs {
    /// Where the node keeps its database.
    #[arg(long, env = "ZZAN_DATA_DIR", value_name = "DIR", default_value = "./data")]
    data_dir: PathBuf,
    /// The file to make. One that is there is never overwritten.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

#[derive(Debug, Args)]
struct RestoreArgs {
    /// The backup. Whose it is, its version and its structure are checked before anything is written.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Where the database is put; empty, or not there yet.
    #[arg(long, env = "ZZAN_DATA_DIR", value_name = "DIR", default_value = "./data")]
    data_dir: PathBuf,
}

/// The configuration's sources.
#[derive(Debug, Args)]
struct ConfigArgs {
    /// The configuration file [default: zzan.toml, if there is one].
    #[arg(long, env = ENV_FILE, value_name = "FILE")]
    config: Option<PathBuf>,
    /// For one's own machine: adds the API key `devkey`, allows loopback origins, spares loopback from limits per address.
    #[arg(long)]
    dev: bool,
    /// Address and port of HTTP and socket.io [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Where everything durable is kept [default: ./data].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// How browsers reach this node [default: the address listened on].
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// sqlite, dynamodb, or memory: then nothing survives the process [default: sqlite].
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// First UDP port of the media workers; 0 for any free ones [default: 40000, in dev mode 0].
    #[arg(long, value_name = "PORT")]
    media_first_port: Option<String>,
    /// Addresses told to browsers for media, separated by commas [default: those of this machine].
    #[arg(long, value_name = "ADDRESSES")]
    media_addresses: Option<String>,
}

impl ConfigArgs {
    fn load(self) -> Result<(Config, Vec<Effective>), Problems> {
        let dev = self.dev.then(|| "true".to_owned());
        let flags = [
            ("dev", "--dev", dev),
            ("listen", "--listen", self.listen),
            ("data_dir", "--data-dir", self.data_dir),
            ("public_url", "--public-url", self.public_url),
            ("store", "--store", self.store),
            ("media.first_port", "--media-first-port", self.media_first_port),
            ("media.addresses", "--media-addresses", self.media_addresses),
        ];
        let flags = flags.into_iter().filter_map(|(key, flag, value)| Some((key, flag, value?))).collect();
        // A variable that is no UTF-8 can't be one of ours.
        let env = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect();
        Config::load(Sources { file: self.config, env, flags })
    }
}

#[derive(Debug, Args)]
struct TokenArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The user's id, 1 to 128 bytes.
    #[arg(long)]
    user: String,
    /// The name to show, 1 to 64 characters.
    #[arg(long)]
    name: String,
    /// For this room only; without it the token is good for any, as everyone.
    #[arg(long, value_name = "ROOM")]
    room: Option<String>,
    /// With --room: may close the room and remove others.
    #[arg(long, requires = "room")]
    admin: bool,
    /// Seconds until it expires.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    ttl: u64,
    /// The key that signs it [default: the first one configured].
    #[arg(long, value_name = "ID")]
    key: Option<String>,
}

/// Does what the command line says.
///
/// # Errors
/// What a person is to be told.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve(args) => node::serve(args.load()?.0),
        Command::CheckConfig(args) => print(&effective_text(&args.load()?.1)),
        Command::Token(args) => print(&token(args)?),
        Command::Backup(BackupArgs { data_dir, to }) => {
            let bytes = backup::backup(&data_dir, &to)?;
            print(&format!("{} holds the database of {}, {bytes} bytes.", to.display(), data_dir.display()))
        }
        Command::Restore(RestoreArgs { from, data_dir }) => {
            let bytes = backup::restore(&from, &data_dir)?;
            print(&format!("{} holds the database of {}, {bytes} bytes.", data_dir.display(), from.display()))
        }
        Command::Export(ExportArgs { config, to }) => {
            let records = with_store(config, async |store| transfer::export(&*store, &to).await)?;
            print(&format!("{} holds everything that is kept, {records} records.", to.display()))
        }
        Command::Import(ImportArgs { config, from }) => {
            let records = with_store(config, async |store| transfer::import(&*store, &from).await)?;
            print(&format!("The store holds everything of {}, {records} records.", from.display()))
        }
    }
}

/// Does something with the configured store while no node uses it.
fn with_store<T>(args: ConfigArgs, work: impl AsyncFnOnce(Arc<dyn Transfer>) -> Result<T, TransferError>) -> anyhow::Result<T> {
    let (config, _) = args.load()?;
    match config.store {
        store::Kind::Memory => bail!("store = \"memory\": nothing of it is kept; allowed is a store that outlives the process"),
        store::Kind::DynamoDb(_) | store::Kind::Sqlite => {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let opened = store::Opened::open(config.store, &config.data_dir).await?;
        let done = work(opened.transfer()).await;
        opened.close();
        Ok(done?)
    })
}

/// A reader that goes away early (`| head`) is no failure.
fn print(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// TOML that could be the file, with where each value came from.
fn effective_text(effective: &[Effective]) -> String {
    let mut text = String::from("# The configuration is good. In force is:");
    for Effective { key, value, origin } in effective {
        let comment = if *value == "\"\"" { "# " } else { "" };
        // Writing to a String can't fail.
        let _ = write!(text, "\n{comment}{key} = {value}  # {origin}");
    }
    text
}

fn token(args: TokenArgs) -> anyhow::Result<String> {
    let (config, _) = args.config.load()?;
    let keys = api::tokens_of(&config)?;
    let id = args.key.or_else(|| config.keys.first().map(|key| key.id.clone())).context("no key is configured")?;
    let Some(key) = keys.key(&id) else {
        let known: Vec<_> = config.keys.iter().map(|key| key.id.as_str()).collect();
        bail!("--key {id}: there is no such key; allowed are {}", known.join(", "));
    };
    let grants = match args.room {
        None => Grants::User,
        Some(room) => Grants::Room(RoomGrants {
            room: RoomId::new(room),
            room_join: true,
            can_publish: true,
            can_subscribe: true,
            can_publish_data: true,
            room_admin: args.admin,
        }),
    };
    let subject = Subject { user: User { id: UserId::new(args.user), name: args.name }, grants, locale: None, plan: None };
    Ok(key.mint(&subject, SystemTime::now(), Duration::from_secs(args.ttl))?)
}
