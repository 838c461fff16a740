//! Names to addresses, without blocking the worker.
//!
//! Looking up goes through the system's resolver on tokio's blocking threads, at most once at a time per name.
//! The system's resolver does not tell how long an answer holds, so it is asked again after `dns_refresh` of the
//! configuration, by the requests of that time: they use the old answer while the new one is fetched, and it is kept when
//! fetching fails. Only a name never resolved, or not asked for in [`STALE`], makes a request wait.
//!
//! When an address goes, idle connections to it are not used again, and those in use finish their request.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::peer::Peer;
use super::state::TargetState;

/// How long an answer may be used while the next one is fetched, if it is not to be kept for longer.
const STALE: Duration = Duration::from_mins(5);
/// How long a failure is remembered, so that a name without address does not flood the resolver.
const FAILURE: Duration = Duration::from_secs(1);

/// A target's host: an address, a unix socket, or a name with what is known of it.
pub(super) enum Host {
    Address(IpAddr),
    /// The path of a unix socket.
    Unix(Arc<str>),
    Name(Rc<Name>),
}

/// A host name and its addresses as last seen. Owned by one worker.
pub(super) struct Name {
    text: String,
    addresses: RefCell<Rc<[IpAddr]>>,
    failure: RefCell<String>,
    asked: Cell<Option<Instant>>,
    answered: Cell<Option<Instant>>,
    asking: Cell<bool>,
    changed: Notify,
    turn: Cell<usize>,
    /// Who is told of changes, for people to see.
    told: RefCell<Vec<Weak<TargetState>>>,
}

impl Host {
    pub(super) fn new(host: &str) -> Self {
        if host.starts_with('/') {
            return Self::Unix(host.into());
        }
        match host.parse() {
            Ok(address) => Self::Address(address),
            Err(_) => Self::Name(Rc::new(Name {
                text: host.to_owned(),
                addresses: RefCell::new(Rc::new([])),
                failure: RefCell::default(),
                asked: Cell::new(None),
                answered: Cell::new(None),
                asking: Cell::new(false),
                changed: Notify::new(),
                turn: Cell::new(0),
                told: RefCell::default(),
            })),
        }
    }

    /// The addresses to try, in order. The first one differs from call to call, to spread connections.
    /// The error is the resolver's.
    pub(super) async fn peers(&self, port: u16, refresh: Duration) -> Result<Vec<Peer>, String> {
        let tcp = |address: &IpAddr| Peer::Tcp(SocketAddr::new(*address, port));
        let name = match self {
            Self::Address(address) => return Ok(vec![tcp(address)]),
            Self::Unix(path) => return Ok(vec![Peer::Unix(Arc::clone(path))]),
            Self::Name(name) => name,
        };
        let addresses = name.lookup(refresh, ask_system).await?;
        let turn = name.turn.get();
        name.turn.set(turn.wrapping_add(1));
        let from = turn % addresses.len().max(1);
        let (tail, head) = addresses.split_at(from);
        Ok(head.iter().chain(tail).map(tcp).collect())
    }
}

/// Asks the system's resolver.
async fn ask_system(name: String) -> Result<Vec<IpAddr>, String> {
    let found = tokio::net::lookup_host((name, 0)).await;
    found.map(|found| found.map(|address| address.ip()).collect()).map_err(|error| error.to_string())
}

impl Host {
    /// Has a name whose answer is older than `refresh` looked up in the background; waits for nothing.
    pub(super) fn freshen(&self, refresh: Duration) {
        let Self::Name(name) = self else { return };
        if name.answered.get().is_some_and(|answered| answered.elapsed() >= refresh)
            && !name.has_just_failed()
        {
            name.ask(ask_system);
        }
    }

    /// Whether a connection to this address is one to the host, as far as is known.
    pub(super) fn has(&self, address: IpAddr) -> bool {
        match self {
            Self::Address(_) | Self::Unix(_) => true,
            Self::Name(name) => name.addresses.borrow().contains(&address),
        }
    }

    /// Tells the target of its addresses, and of every change.
    pub(super) fn tell(&self, target: &Arc<TargetState>) {
        let Self::Name(name) = self else { return };
        let mut told = name.told.borrow_mut();
        told.retain(|known| known.strong_count() > 0 && !std::ptr::eq(known.as_ptr(), Arc::as_ptr(target)));
        told.push(Arc::downgrade(target));
        let addresses = name.addresses.borrow();
        if !addresses.is_empty() {
            target.resolved(&addresses);
        }
    }

    /// Takes these addresses as if the resolver had answered them.
    #[cfg(test)]
    pub(super) fn learn(&self, addresses: &[IpAddr]) {
        let Self::Name(name) = self else { panic!("an address needs no resolver") };
        name.learn(Ok(addresses.to_vec()));
    }
}

impl Name {
    async fn lookup<F>(
        self: &Rc<Self>,
        refresh: Duration,
        ask: impl FnOnce(String) -> F,
    ) -> Result<Rc<[IpAddr]>, String>
    where
        F: Future<Output = Result<Vec<IpAddr>, String>> + 'static,
    {
        let age = self.answered.get().map(|answered| answered.elapsed());
        if age.is_some_and(|age| age < refresh) || self.has_just_failed() {
            return self.known();
        }
        let changed = self.changed.notified();
        self.ask(ask);
        if age.is_none_or(|age| age >= STALE.max(refresh.saturating_mul(2))) {
            changed.await;
        }
        self.known()
    }

    /// Whether an answer came a moment ago that was none.
    fn has_just_failed(&self) -> bool {
        !self.asking.get() && self.asked.get().is_some_and(|asked| asked.elapsed() < FAILURE)
    }

    /// Asks, unless it is being asked already.
    fn ask<F>(self: &Rc<Self>, ask: impl FnOnce(String) -> F)
    where
        F: Future<Output = Result<Vec<IpAddr>, String>> + 'static,
    {
        if !self.asking.replace(true) {
            let name = Rc::clone(self);
            let answer = ask(self.text.clone());
            tokio::task::spawn_local(async move { name.learn(answer.await) });
        }
    }

    fn learn(&self, answer: Result<Vec<IpAddr>, String>) {
        let now = Instant::now();
        self.asked.set(Some(now));
        self.asking.set(false);
        match answer {
            Ok(found) if !found.is_empty() => {
                let mut unique: Vec<IpAddr> = Vec::with_capacity(found.len());
                for address in found {
                    if !unique.contains(&address) {
                        unique.push(address);
                    }
                }
                for target in self.told.borrow().iter().filter_map(Weak::upgrade) {
                    target.resolved(&unique);
                }
                self.addresses.replace(unique.into());
                self.answered.set(Some(now));
            }
            Ok(_) => "the name has no address".clone_into(&mut self.failure.borrow_mut()),
            Err(error) => *self.failure.borrow_mut() = error,
        }
        self.changed.notify_waiters();
    }

    fn known(&self) -> Result<Rc<[IpAddr]>, String> {
        let addresses = Rc::clone(&self.addresses.borrow());
        if addresses.is_empty() { Err(self.failure.borrow().clone()) } else { Ok(addresses) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Duration = Duration::from_secs(30);

    fn name() -> Rc<Name> {
        let Host::Name(name) = Host::new("backend.test") else { panic!("not an address") };
        name
    }

    #[expect(clippy::unnecessary_wraps, reason = "compared with and passed as what a resolver returns")]
    fn answer(text: &str) -> Result<Vec<IpAddr>, String> {
        Ok(text.split_whitespace().map(|text| text.parse().unwrap()).collect())
    }

    async fn ask(name: &Rc<Name>, result: Result<Vec<IpAddr>, String>) -> Result<Vec<IpAddr>, String> {
        name.lookup(FRESH, |_| async { result }).await.map(|addresses| addresses.to_vec())
    }

    #[tokio::test(flavor = "local", start_paused = true)]
    async fn keeps_answers_and_replaces_them_when_they_are_old() {
        let name = name();
        assert_eq!(ask(&name, answer("10.0.0.1")).await, answer("10.0.0.1"));
        assert_eq!(
            ask(&name, answer("10.0.0.2")).await,
            answer("10.0.0.1"),
            "fresh answers are not asked again"
        );
        tokio::time::advance(FRESH).await;
        assert_eq!(ask(&name, answer("10.0.0.3")).await, answer("10.0.0.1"), "the request does not wait");
        tokio::task::yield_now().await;
        assert_eq!(ask(&name, answer("10.0.0.4")).await, answer("10.0.0.3"));
    }

    #[tokio::test(flavor = "local", start_paused = true)]
    async fn keeps_the_old_addresses_when_the_resolver_fails() {
        let name = name();
        ask(&name, answer("10.0.0.1")).await.unwrap();
        tokio::time::advance(STALE * 2).await;
        assert_eq!(ask(&name, Err("server failure".into())).await, answer("10.0.0.1"));
        tokio::time::advance(FAILURE).await;
        assert_eq!(ask(&name, Ok(vec![])).await, answer("10.0.0.1"), "an empty answer is a failure");
        tokio::time::advance(FAILURE).await;
        assert_eq!(ask(&name, answer("10.0.0.2")).await, answer("10.0.0.2"));
    }

    #[tokio::test(flavor = "local", start_paused = true)]
    async fn remembers_a_failure_for_a_moment() {
        let name = name();
        assert_eq!(ask(&name, Err("no such name".into())).await, Err("no such name".into()));
        assert_eq!(ask(&name, answer("10.0.0.1")).await, Err("no such name".into()));
        tokio::time::advance(FAILURE).await;
        assert_eq!(ask(&name, answer("10.0.0.1")).await, answer("10.0.0.1"));
    }

    #[tokio::test(flavor = "local", start_paused = true)]
    async fn starts_with_another_address_each_time() {
        let host = Host::new("backend.test");
        let Host::Name(name) = &host else { panic!("not an address") };
        ask(name, answer("10.0.0.1 10.0.0.2 10.0.0.1")).await.unwrap();
        let first = host.peers(80, FRESH).await.unwrap();
        let second = host.peers(80, FRESH).await.unwrap();
        assert_eq!(first.len(), 2, "the repeated address is tried once");
        assert_eq!((&first[0], &first[1]), (&second[1], &second[0]));
    }
}
