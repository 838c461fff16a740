//! Names whose addresses change while requests are under way.

use super::*;

/// An upstream of one name, which the resolver of the system is not asked for.
fn named(port: u16) -> Upstream {
    let mut upstream = upstream(&[]);
    upstream.kind =
        UpstreamKind::Targets(vec![Target { host: "backend.test".into(), port, tls: false, weight: 1 }]);
    upstream
}

#[tokio::test(flavor = "local")]
async fn new_requests_follow_the_name_and_those_under_way_are_not_cut() {
    // The first answer stays unfinished until the test says so.
    let go_on = Rc::new(tokio::sync::Notify::new());
    let gate = go_on.clone();
    let old = Server::start_at(([127, 0, 0, 1], 0), async move |mut peer: Peer| {
        while peer.request().await.is_some() {
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n").await;
            if peer.index == 0 {
                gate.notified().await;
            }
            peer.send("old").await;
        }
    })
    .await;
    let new = Server::start_at(([127, 0, 0, 2], old.port), async |mut peer: Peer| {
        while peer.request().await.is_some() {
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nnew").await;
        }
    })
    .await;
    let upstreams = Upstreams::new();
    let upstream = named(old.port);
    let endpoint = upstreams.pool.endpoint("backend.test", old.port, &Transport::default());
    endpoint.host.learn(&[[127, 0, 0, 1].into()]);
    let under_way = upstreams.send(&upstream, get()).await.unwrap();
    // Another one, which leaves an idle connection behind.
    assert_eq!(text(upstreams.send(&upstream, get()).await.unwrap()).await, "old");
    assert_eq!(endpoint.counts(), (2, 1));
    endpoint.host.learn(&[[127, 0, 0, 2].into()]);
    let sent = upstreams.send(&upstream, get()).await.unwrap();
    assert_eq!((&*sent.address, sent.attempts), (format!("127.0.0.2:{}", old.port).as_str(), 1));
    assert_eq!(text(sent).await, "new");
    go_on.notify_one();
    assert_eq!(text(under_way).await, "old", "what was under way is finished");
    assert_eq!(
        text(upstreams.send(&upstream, get()).await.unwrap()).await,
        "new",
        "and its connection is not used again"
    );
    assert_eq!((old.requests().len(), new.requests().len()), (2, 2));
    let groups = upstreams.groups.borrow();
    let target = &groups.values().next().unwrap().group.state.targets[0];
    assert_eq!((target.addresses(), target.address_changes.get()), (vec![[127, 0, 0, 2].into()], 1));
}
