//! A TCP connection with a length before each packet.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

pub struct Stream {
    pub socket: TcpStream,
    pub closed: bool,
    /// Sends in pieces of this size.
    pub pieces: usize,
    received: Vec<u8>,
    waiting: Vec<u8>,
}

impl Stream {
    pub fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).expect("connected");
        socket.set_nonblocking(true).expect("set");
        socket.set_nodelay(true).expect("set");
        Self { socket, closed: false, pieces: usize::MAX, received: vec![], waiting: vec![] }
    }

    /// Sends a packet, or what the SFU takes of it now.
    pub fn send(&mut self, packet: &[u8]) {
        self.waiting.extend((packet.len() as u16).to_be_bytes());
        self.waiting.extend(packet);
        self.flush();
    }

    fn flush(&mut self) {
        while !self.waiting.is_empty() {
            let piece = self.pieces.min(self.waiting.len());
            match self.socket.write(&self.waiting[..piece]) {
                Ok(count) => drop(self.waiting.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.closed = true,
            }
        }
    }

    /// The next packet that came whole.
    pub fn receive(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.flush();
        let mut buffer = [0; 4096];
        loop {
            match self.socket.read(&mut buffer) {
                Ok(0) => self.closed = true,
                Ok(count) => {
                    self.received.extend(&buffer[..count]);
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => self.closed = true,
            }
            break;
        }
        let [high, low, rest @ ..] = &self.received[..] else { return None };
        let packet = rest.get(..usize::from(u16::from_be_bytes([*high, *low])))?.to_vec();
        self.received.drain(..2 + packet.len());
        Some((self.socket.peer_addr().ok()?, packet))
    }
}
