//! Signals: HUP reloads, TERM and INT drain, QUIT drains without deadline, USR1 reopens logs.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedSender;

use super::Event;

/// Turns signals into events for as long as anybody listens. From its return on none of them ends the process.
///
/// # Errors
/// When the system does not let us handle one of them.
pub fn listen(events: UnboundedSender<Event>) -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut user1 = signal(SignalKind::user_defined1())?;
    tokio::spawn(async move {
        loop {
            let event = tokio::select! {
                _ = hangup.recv() => Event::Reload { trigger: "signal", reply: None },
                _ = terminate.recv() => Event::Drain { bounded: true },
                _ = interrupt.recv() => Event::Drain { bounded: true },
                _ = quit.recv() => Event::Drain { bounded: false },
                _ = user1.recv() => Event::ReopenLogs,
            };
            if events.send(event).is_err() {
                return;
            }
        }
    });
    Ok(())
}
