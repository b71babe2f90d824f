//! The floor: a process that has the bytes ready and does nothing but write them to every socket. No server that writes to each of its sockets
//! costs less on this machine.

use crate::process::Process;
use anyhow::Context as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

/// CPU per delivery of the writes alone, in µs.
pub struct Floor {
    pub one_us: f64,
    /// With eight deliveries in a write.
    pub eight_us: f64,
}

/// Prints its port, accepts so many readers and one more, who says each time how many bytes everybody gets.
pub fn serve(readers: usize) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    let sockets: Vec<TcpStream> = (0..readers).map(|_| accept(&listener)).collect::<anyhow::Result<_>>()?;
    let mut control = accept(&listener)?;
    let mut length = [0; 4];
    while control.read_exact(&mut length).is_ok() {
        let bytes = vec![b'x'; u32::from_be_bytes(length) as usize];
        for mut socket in &sockets {
            socket.write_all(&bytes)?;
        }
    }
    Ok(())
}

fn accept(listener: &TcpListener) -> anyhow::Result<TcpStream> {
    let (socket, _) = listener.accept()?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// Has it write so many deliveries of so many bytes.
pub async fn measure(core: &str, program: &str, readers: usize, deliveries: u64, bytes: u64) -> anyhow::Result<Floor> {
    let mut server = Process::start(core, program, &["serve-floor", &readers.to_string()]).await?;
    let (sender, mut all_read) = mpsc::channel(readers);
    let mut tasks = vec![];
    let (begin, _) = tokio::sync::broadcast::channel::<usize>(1);
    for _ in 0..readers {
        let socket = tokio::net::TcpStream::connect(server.address).await?;
        tasks.push(tokio::spawn(read(socket, begin.subscribe(), sender.clone())));
    }
    let mut control = connect(server.address).await?;
    let mut costs = vec![];
    for burst in [1, 8] {
        let length = u32::try_from(bytes * burst)?;
        let rounds = deliveries / burst / readers as u64;
        let before = server.usage()?;
        for _ in 0..rounds {
            begin.send(length as usize)?;
            control.write_all(&length.to_be_bytes()).await?;
            for _ in 0..readers {
                all_read.recv().await.context("a reader ended")?;
            }
        }
        let cpu = server.usage()?.cpu - before.cpu;
        costs.push(cpu.as_secs_f64() * 1e6 / (rounds * burst * readers as u64) as f64);
    }
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(Floor { one_us: costs[0], eight_us: costs[1] })
}

async fn connect(address: SocketAddr) -> anyhow::Result<tokio::net::TcpStream> {
    let control = tokio::net::TcpStream::connect(address).await?;
    control.set_nodelay(true)?;
    Ok(control)
}

/// Says each time when it has all.
async fn read(mut socket: tokio::net::TcpStream, mut begin: tokio::sync::broadcast::Receiver<usize>, done: mpsc::Sender<()>) {
    let mut buffer = vec![];
    while let Ok(length) = begin.recv().await {
        buffer.resize(length, 0);
        if socket.read_exact(&mut buffer).await.is_err() || done.send(()).await.is_err() {
            return;
        }
    }
}
