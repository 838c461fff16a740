//! Bodies that pass through filters.

use forebay_engine::filter::BodyFilter;
use tokio::task::LocalSet;

use super::*;

/// Doubles what passes, holds back the last byte until the end, and says what it saw.
#[derive(Debug, Default)]
struct Doubler {
    held: Vec<u8>,
    inspects: bool,
    breaks: bool,
}

impl BodyFilter for Doubler {
    fn chunk(&mut self, chunk: Bytes, last: bool) -> Result<Bytes, String> {
        if self.breaks {
            return Err("enough".to_owned());
        }
        if self.inspects {
            return Ok(chunk);
        }
        self.held.extend(chunk.iter().flat_map(|byte| [*byte, *byte]));
        let keep = usize::from(!last && !self.held.is_empty());
        let rest = self.held.split_off(self.held.len() - keep);
        Ok(Bytes::from(std::mem::replace(&mut self.held, rest)))
    }

    fn inspects_only(&self) -> bool {
        self.inspects
    }
}

fn doubler() -> Vec<Box<dyn BodyFilter>> {
    vec![Box::new(Doubler::default())]
}

async fn text(mut body: ProxyBody) -> Result<String, BodyError> {
    let mut text = Vec::new();
    while let Some(data) = body.next_data().await? {
        text.extend_from_slice(&data);
    }
    Ok(String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn what_was_held_back_follows_at_the_end() {
    let mut body = ProxyBody::full(Bytes::from_static(b"ab")).filtered(Side::Upstream, doubler());
    let ends = record_end(&mut body);
    assert!(!body.is_end_stream() && body.size_hint().exact().is_none() && body.replay().is_none());
    assert_eq!(text(body).await.unwrap(), "aabb");
    assert_eq!(*ends.borrow(), [BodyEnd { bytes: 4, outcome: Outcome::Complete }]);
    let twice = doubler().into_iter().chain(doubler()).collect();
    let body = ProxyBody::full(Bytes::from_static(b"a")).filtered(Side::Upstream, twice);
    assert_eq!(text(body).await.unwrap(), "aaaa");
}

#[tokio::test]
async fn an_empty_body_stays_empty_and_an_inspected_one_keeps_its_length() {
    let body = ProxyBody::empty().filtered(Side::Upstream, doubler());
    assert!(body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));
    let inspects: Vec<Box<dyn BodyFilter>> = vec![Box::new(Doubler { inspects: true, ..Doubler::default() })];
    let body = ProxyBody::full(Bytes::from_static(b"abc")).filtered(Side::Upstream, inspects);
    assert_eq!(body.size_hint().exact(), Some(3));
    assert_eq!(text(body).await.unwrap(), "abc");
}

#[tokio::test]
async fn a_filter_can_break_a_body_off() {
    let breaks: Vec<Box<dyn BodyFilter>> = vec![Box::new(Doubler { breaks: true, ..Doubler::default() })];
    let mut body = ProxyBody::full(Bytes::from_static(b"abc")).filtered(Side::Upstream, breaks);
    let ends = record_end(&mut body);
    let error = body.next_data().await.unwrap_err();
    assert_eq!((error.fault, error.end_reason().code()), (BodyFault::Filter, "body_filter"));
    assert!(matches!(ends.borrow()[..], [BodyEnd { outcome: Outcome::Failed(_), .. }]));
}

#[tokio::test]
async fn streamed_chunks_pass_one_by_one_and_the_last_is_known() {
    LocalSet::new()
        .run_until(async {
            for (framing, sent, expected) in [
                ("transfer-encoding: chunked", "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", Some("aabbcc")),
                ("content-length: 3", "abc", Some("aabbcc")),
                ("transfer-encoding: chunked", "0\r\n\r\n", Some("")),
                ("content-length: 3", "ab", None),
            ] {
                let (incoming, far) = incoming(framing, sent).await;
                let body = ProxyBody::stream(incoming, LIMITS).filtered(Side::Client, doubler());
                if expected.is_none() {
                    drop(far);
                }
                let found = text(body).await;
                assert_eq!(found.as_deref().ok(), expected, "{framing} {sent}: {found:?}");
            }
        })
        .await;
}
