//! Bodies that are dropped when nothing can be spawned any more: a worker's runtime may have ended before what its
//! exchanges held, and a panic in a drop would end the process.

use std::pin::pin;
use std::task::Poll;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::Notify;

use super::*;

/// A server whose answers end when they are told to.
async fn chunked() -> (Server, Rc<Notify>) {
    let end: Rc<Notify> = Rc::default();
    let told = Rc::clone(&end);
    let server = Server::start(async move |mut peer: Peer| {
        while peer.request().await.is_some() {
            peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n").await;
            told.notified().await;
            peer.send("0\r\n\r\n").await;
        }
    })
    .await;
    (server, end)
}

/// A body that still holds its connection, although that is free: its end has come, but nobody has read it.
async fn unread_end(server: &Server, end: &Notify, upstreams: &Upstreams) -> ProxyBody {
    let sent = upstreams.send(&upstream(&[server.port]), get()).await.unwrap();
    let mut body = sent.response.into_body();
    assert_eq!(body.next_data().await.unwrap().unwrap(), "ok");
    let mut asked = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        assert!(pin!(body.next_data()).poll(cx).is_pending());
        end.notify_one();
        Poll::Pending
    })
    .await;
    assert_eq!(upstreams.counts(server.port), (1, 0), "in use");
    body
}

#[test]
fn a_body_dropped_outside_of_the_runtime_gives_its_connection_back() {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
    let upstreams = Upstreams::new();
    let (server, end, body) = runtime.block_on(async {
        let (server, end) = chunked().await;
        let body = unread_end(&server, &end, &upstreams).await;
        (server, end, body)
    });
    drop(body);
    assert_eq!(upstreams.counts(server.port), (1, 1));
    // What could not be begun then is made up for by the next one that comes back.
    end.notify_one();
    runtime.block_on(async {
        let sent = upstreams.send(&upstream(&[server.port]), get()).await.unwrap();
        assert!(sent.reused);
        assert_eq!(text(sent).await, "ok");
    });
    assert_eq!((server.connections(), upstreams.counts(server.port)), (1, (1, 1)));
}
