//! Names to addresses, without blocking the worker.
//!
//! Looking up goes through the system's resolver on tokio's blocking threads, at most once at a time per name.
//! Answers are kept for [`FRESH`]; after that the old ones are used while new ones are fetched, and kept when
//! fetching fails. Only a name never resolved, or not asked for in [`STALE`], makes a request wait.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::peer::Peer;

/// How long an answer is used without asking again.
const FRESH: Duration = Duration::from_secs(30);
/// How long an answer may be used while the next one is fetched.
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
            })),
        }
    }

    /// The addresses to try, in order. The first one differs from call to call, to spread connections.
    /// The error is the resolver's.
    pub(super) async fn peers(&self, port: u16) -> Result<Vec<Peer>, String> {
        let tcp = |address: &IpAddr| Peer::Tcp(SocketAddr::new(*address, port));
        let name = match self {
            Self::Address(address) => return Ok(vec![tcp(address)]),
            Self::Unix(path) => return Ok(vec![Peer::Unix(Arc::clone(path))]),
            Self::Name(name) => name,
        };
        let addresses = name.lookup(|name| async move {
            let found = tokio::net::lookup_host((name, 0)).await;
            found.map(|found| found.map(|address| address.ip()).collect()).map_err(|error| error.to_string())
        });
        let addresses = addresses.await?;
        let turn = name.turn.get();
        name.turn.set(turn.wrapping_add(1));
        let from = turn % addresses.len().max(1);
        let (tail, head) = addresses.split_at(from);
        Ok(head.iter().chain(tail).map(tcp).collect())
    }
}

impl Name {
    async fn lookup<F>(self: &Rc<Self>, ask: impl FnOnce(String) -> F) -> Result<Rc<[IpAddr]>, String>
    where
        F: Future<Output = Result<Vec<IpAddr>, String>> + 'static,
    {
        let now = Instant::now();
        let age = |since: &Cell<Option<Instant>>| since.get().map(|since| now - since);
        let fresh = age(&self.answered).is_some_and(|age| age < FRESH);
        let just_asked = age(&self.asked).is_some_and(|age| age < FAILURE);
        if fresh || (just_asked && !self.asking.get()) {
            return self.known();
        }
        let changed = self.changed.notified();
        if !self.asking.replace(true) {
            let name = Rc::clone(self);
            let answer = ask(self.text.clone());
            tokio::task::spawn_local(async move { name.learn(answer.await) });
        }
        if age(&self.answered).is_none_or(|age| age >= STALE) {
            changed.await;
        }
        self.known()
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

    fn name() -> Rc<Name> {
        let Host::Name(name) = Host::new("backend.test") else { panic!("not an address") };
        name
    }

    #[expect(clippy::unnecessary_wraps, reason = "compared with and passed as what a resolver returns")]
    fn answer(text: &str) -> Result<Vec<IpAddr>, String> {
        Ok(text.split_whitespace().map(|text| text.parse().unwrap()).collect())
    }

    async fn ask(name: &Rc<Name>, result: Result<Vec<IpAddr>, String>) -> Result<Vec<IpAddr>, String> {
        name.lookup(|_| async { result }).await.map(|addresses| addresses.to_vec())
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
        let first = host.peers(80).await.unwrap();
        let second = host.peers(80).await.unwrap();
        assert_eq!(first.len(), 2, "the repeated address is tried once");
        assert_eq!((&first[0], &first[1]), (&second[1], &second[0]));
    }
}
