//! The access log: one JSON line per request, formatted by the worker, written by a thread of its own.
//!
//! A worker hands full buffers to the writer through a bounded queue and never waits for it: when the writer
//! cannot keep up (a stuck pipe, a full disk), lines are dropped and counted.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::config;

/// A worker's buffer is handed on when it holds this much, or at the worker's next tick.
const BUFFER_BYTES: usize = 32 << 10;
/// Buffers that may wait for the writer.
const QUEUE_BUFFERS: usize = 64;

/// One worker's part of the access log.
pub struct AccessLog {
    sender: Option<SyncSender<Message>>,
    buffer: RefCell<Vec<u8>>,
    dropped: Arc<AtomicU64>,
}

/// The writer's side: makes parts for workers, reopens the file, ends.
#[derive(Clone)]
pub struct AccessLogWriter {
    sender: Option<SyncSender<Message>>,
    dropped: Arc<AtomicU64>,
}

enum Message {
    Lines(Vec<u8>),
    Reopen,
    /// Everything before this is written; answers by dropping the sender.
    Flush(SyncSender<()>),
}

impl AccessLogWriter {
    /// Starts the writer.
    ///
    /// # Errors
    /// When the file cannot be opened or the thread cannot be started.
    pub fn start(destination: &config::AccessLog) -> io::Result<Self> {
        let dropped = Arc::new(AtomicU64::new(0));
        let output = match destination {
            config::AccessLog::Off => return Ok(Self { sender: None, dropped }),
            config::AccessLog::Stdout => Output::Stdout,
            config::AccessLog::File(path) => Output::File(path.clone(), open(path)?),
        };
        let (sender, receiver) = sync_channel(QUEUE_BUFFERS);
        let lost = dropped.clone();
        std::thread::Builder::new()
            .name("access-log".into())
            .spawn(move || write_all(output, &receiver, &lost))?;
        Ok(Self { sender: Some(sender), dropped })
    }

    /// A worker's part.
    pub fn part(&self) -> AccessLog {
        AccessLog { sender: self.sender.clone(), buffer: RefCell::default(), dropped: self.dropped.clone() }
    }

    /// Opens the file again, after something has renamed it.
    pub fn reopen(&self) {
        if let Some(sender) = &self.sender {
            // A full queue means that the writer is stuck; it has a file then, whichever it is.
            let _ = sender.try_send(Message::Reopen);
        }
    }

    /// Waits until everything handed on so far is written.
    pub fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if let Some(sender) = &self.sender
            && sender.send(Message::Flush(done)).is_ok()
        {
            let _ = wait.recv();
        }
    }

    /// Number of lines that were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl AccessLog {
    /// Whether anybody reads the log.
    pub fn is_on(&self) -> bool {
        self.sender.is_some()
    }

    /// Adds a line; `write` puts it into the buffer without the line break.
    pub fn line(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut buffer = self.buffer.borrow_mut();
        write(&mut buffer);
        buffer.push(b'\n');
        let full = buffer.len() >= BUFFER_BYTES;
        drop(buffer);
        if full {
            self.flush();
        }
    }

    /// Hands the buffer to the writer.
    pub fn flush(&self) {
        let mut buffer = self.buffer.borrow_mut();
        let Some(sender) = self.sender.as_ref().filter(|_| !buffer.is_empty()) else { return };
        let lines = std::mem::replace(&mut *buffer, Vec::with_capacity(BUFFER_BYTES + 1024));
        if let Err(error) = sender.try_send(Message::Lines(lines)) {
            let lost = match error {
                std::sync::mpsc::TrySendError::Full(message)
                | std::sync::mpsc::TrySendError::Disconnected(message) => message,
            };
            if let Message::Lines(mut lines) = lost {
                self.dropped
                    .fetch_add(lines.split(|&byte| byte == b'\n').skip(1).count() as u64, Ordering::Relaxed);
                lines.clear();
                *buffer = lines;
            }
        }
    }
}

enum Output {
    Stdout,
    File(PathBuf, File),
}

fn open(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn write_all(mut output: Output, receiver: &Receiver<Message>, dropped: &AtomicU64) {
    let mut failing = false;
    for message in receiver {
        let result = match (message, &mut output) {
            (Message::Lines(lines), Output::Stdout) => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(&lines).and_then(|()| stdout.flush()).map_err(|error| (error, lines.len()))
            }
            (Message::Lines(lines), Output::File(_, file)) => {
                file.write_all(&lines).map_err(|error| (error, lines.len()))
            }
            (Message::Reopen, Output::File(path, file)) => match open(path) {
                Ok(fresh) => {
                    *file = fresh;
                    Ok(())
                }
                Err(error) => Err((error, 0)),
            },
            (Message::Reopen, Output::Stdout) => Ok(()),
            (Message::Flush(done), _) => {
                drop(done);
                Ok(())
            }
        };
        match result {
            Ok(()) => failing = false,
            Err((error, bytes)) => {
                dropped.fetch_add(u64::from(bytes > 0), Ordering::Relaxed);
                if !std::mem::replace(&mut failing, true) {
                    tracing::error!(%error, "cannot write the access log; lines are dropped until it works");
                }
            }
        }
    }
}
