//! The REST slice that a load test needs: make rooms and get tokens into them, as a shop's backend does.
//!
//! One connection per request, since a run makes a few hundred at most.

use crate::scenario::RoomKind;
use crate::target::{Dialer, Target};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Of one request, all of it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest answer taken, in bytes.
const BODY_MAX: usize = 1 << 20;
/// How often a request that the node's rate limit refused is sent again. Filling hundreds of rooms runs into that limit as designed.
const RETRIES: u32 = 20;
/// Longest wait before such a retry, whatever the node asks for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(5);

/// A backend's way in: address and API key.
#[derive(Clone)]
pub struct Backend {
    dialer: Dialer,
    key: String,
    secret: String,
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backend").field("target", self.dialer.target()).field("key", &self.key).finish_non_exhaustive()
    }
}

/// Why a REST request failed.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    #[error("cannot reach {target}: {source}")]
    Unreachable { target: Target, source: std::io::Error },
    #[error("{target} did not answer {path} within {} s", TIMEOUT.as_secs())]
    TimedOut { target: Target, path: String },
    #[error("{target} refused key {key:?} ({status}): check --key and --secret against the node's configuration")]
    WrongKey { target: Target, key: String, status: StatusCode },
    #[error("{path} answered {status}: {reason}")]
    Refused { path: String, status: StatusCode, code: Option<String>, reason: String },
    #[error("{path}: {reason}")]
    Answer { path: String, reason: String },
}

impl RestError {
    /// A stable word for the report.
    pub fn code(&self) -> &str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } => "timed_out",
            Self::WrongKey { .. } => "unauthorized",
            Self::Refused { code, .. } => code.as_deref().unwrap_or("refused"),
            Self::Answer { .. } => "protocol",
        }
    }
}

#[derive(Serialize)]
struct NewRoom<'a> {
    name: &'a str,
    /// Left out for the kind that every version makes without a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<RoomKind>,
    capacity: u32,
}

#[derive(Deserialize)]
struct RoomMade {
    id: String,
}

#[derive(Serialize)]
struct NewToken<'a> {
    user: &'a str,
    name: &'a str,
}

#[derive(Deserialize)]
struct TokenMade {
    token: String,
}

/// RFC 9457, with zzan's `code`.
#[derive(Default, Deserialize)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
    code: Option<String>,
}

impl Backend {
    pub fn new(dialer: Dialer, key: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { dialer, key: key.into(), secret: secret.into() }
    }

    /// `POST /v1/rooms`; returns the room's id.
    ///
    /// # Errors
    /// [`RestError`].
    pub async fn create_room(&self, name: &str, kind: RoomKind, capacity: u32) -> Result<String, RestError> {
        let made: RoomMade = self.post("/v1/rooms", &NewRoom { name, kind: (kind != RoomKind::Buddy).then_some(kind), capacity }).await?;
        Ok(made.id)
    }

    /// `POST /v1/rooms/{id}/tokens`; returns a token for one user.
    ///
    /// # Errors
    /// [`RestError`].
    pub async fn room_token(&self, room: &str, user: &str, name: &str) -> Result<String, RestError> {
        let made: TokenMade = self.post(&format!("/v1/rooms/{room}/tokens"), &NewToken { user, name }).await?;
        Ok(made.token)
    }

    /// `DELETE /v1/rooms/{id}`; ends the room.
    ///
    /// # Errors
    /// [`RestError`].
    pub async fn end_room(&self, room: &str) -> Result<(), RestError> {
        let path = format!("/v1/rooms/{room}");
        let response = self.send(Method::DELETE, &path, Bytes::new()).await?;
        self.accepted(&path, response).map(|_| ())
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, RestError> {
        let body = serde_json::to_vec(body).map(Bytes::from).map_err(|error| answer(path, error))?;
        let response = self.accepted(path, self.send(Method::POST, path, body).await?)?;
        serde_json::from_slice(response.body()).map_err(|error| answer(path, error))
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Response<Bytes>, RestError> {
        let idempotency_key = format!("{:032x}", rand::random::<u128>());
        let mut retries = 0;
        loop {
            let exchange = self.exchange(method.clone(), path, &idempotency_key, body.clone());
            let exchange = tokio::time::timeout(TIMEOUT, exchange).await;
            let response = exchange.map_err(|_| RestError::TimedOut { target: self.dialer.target().clone(), path: path.to_owned() })??;
            if response.status() != StatusCode::TOO_MANY_REQUESTS || retries == RETRIES {
                return Ok(response);
            }
            retries += 1;
            tokio::time::sleep(retry_after(&response)).await;
        }
    }

    fn accepted(&self, path: &str, response: Response<Bytes>) -> Result<Response<Bytes>, RestError> {
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
            return Err(RestError::WrongKey { target: self.dialer.target().clone(), key: self.key.clone(), status });
        }
        if !status.is_success() {
            let problem: Problem = serde_json::from_slice(response.body()).unwrap_or_default();
            let reason = problem.detail.or(problem.title).unwrap_or_else(|| "no reason given".to_owned());
            return Err(RestError::Refused { path: path.to_owned(), status, code: problem.code, reason });
        }
        Ok(response)
    }

    async fn exchange(&self, method: Method, path: &str, idempotency_key: &str, body: Bytes) -> Result<Response<Bytes>, RestError> {
        let stream = self.dialer.dial().await.map_err(|source| RestError::Unreachable { target: self.dialer.target().clone(), source })?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.dialer.target().authority())
            .header(header::AUTHORIZATION, format!("Bearer {}:{}", self.key, self.secret))
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", idempotency_key)
            .body(Full::new(body))
            .map_err(|error| answer(path, error))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| answer(path, error))?;
        let talk = async {
            let response = sender.send_request(request).await.map_err(|error| answer(path, error))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, BODY_MAX).collect().await.map_err(|error| answer(path, error))?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        tokio::pin!(talk);
        tokio::select! {
            answered = &mut talk => answered,
            // The connection may end right behind the answer, or before there is one; the exchange tells them apart.
            _ = connection => talk.await,
        }
    }
}

/// As the node asks, within reason; a second where it doesn't say.
fn retry_after<T>(response: &Response<T>) -> Duration {
    let seconds = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1)).min(RETRY_AFTER_MAX)
}

fn answer(path: &str, reason: impl std::fmt::Display) -> RestError {
    RestError::Answer { path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A node that takes one request and answers with these bytes; returns what it was sent.
    async fn answering(response: &'static str) -> (Backend, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let backend = backend_of(&listener);
        (backend, tokio::spawn(async move { serve(&listener, response).await }))
    }

    fn backend_of(listener: &TcpListener) -> Backend {
        let target = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        Backend::new(Dialer::new(target, None).unwrap(), "devkey", "hush")
    }

    async fn serve(listener: &TcpListener, response: &str) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        while !(heard.ends_with(b"}") || heard.starts_with(b"DELETE") && heard.ends_with(b"\r\n\r\n")) {
            let mut chunk = [0; 1_024];
            let length = stream.read(&mut chunk).await.unwrap();
            assert!(length > 0, "the request ended early");
            heard.extend_from_slice(&chunk[..length]);
        }
        stream.write_all(response.as_bytes()).await.unwrap();
        String::from_utf8(heard).unwrap()
    }

    #[tokio::test]
    async fn a_room_is_made_with_the_key_as_bearer() {
        let (backend, served) = answering("HTTP/1.1 201 Created\r\ncontent-length: 15\r\n\r\n{\"id\":\"room_1\"}").await;
        assert_eq!(backend.create_room("load", RoomKind::Buddy, 4).await.unwrap(), "room_1");
        let request = served.await.unwrap();
        assert!(request.starts_with("POST /v1/rooms HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("authorization: Bearer devkey:hush\r\n"), "{request}");
        assert!(request.ends_with(r#"{"name":"load","capacity":4}"#), "{request}");
    }

    #[tokio::test]
    async fn a_room_is_ended_by_its_id() {
        let (backend, served) = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        backend.end_room("room_1").await.unwrap();
        assert!(served.await.unwrap().starts_with("DELETE /v1/rooms/room_1 HTTP/1.1\r\n"));
        let (backend, _served) = answering("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}").await;
        assert_eq!(backend.end_room("room_1").await.unwrap_err().code(), "refused");
    }

    #[tokio::test]
    async fn a_rate_limited_request_is_sent_again_under_the_same_key() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let backend = backend_of(&listener);
        let served = async {
            let limited = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\ncontent-length: 2\r\n\r\n{}";
            let first = serve(&listener, limited).await;
            (first, serve(&listener, "HTTP/1.1 201 Created\r\ncontent-length: 15\r\n\r\n{\"id\":\"room_1\"}").await)
        };
        let (made, (first, second)) = tokio::join!(backend.create_room("load", RoomKind::Buddy, 4), served);
        assert_eq!(made.unwrap(), "room_1");
        assert_eq!(first, second);
    }

    #[test]
    fn a_retry_waits_as_asked_within_reason() {
        let asked = |value: &str| retry_after(&Response::builder().header(header::RETRY_AFTER, value).body(()).unwrap());
        assert_eq!(asked("3"), Duration::from_secs(3));
        assert_eq!(asked("86400"), RETRY_AFTER_MAX);
        assert_eq!(asked("Fri, 31 Dec 1999 23:59:59 GMT"), Duration::from_secs(1));
        assert_eq!(retry_after(&Response::new(())), Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_wrong_key_is_named() {
        let (backend, _served) = answering("HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\n{}").await;
        let error = backend.create_room("load", RoomKind::Buddy, 4).await.unwrap_err();
        assert!(error.to_string().contains("devkey") && !error.to_string().contains("hush"), "{error}");
        assert_eq!(error.code(), "unauthorized");
    }

    #[tokio::test]
    async fn a_problem_keeps_its_code_and_detail() {
        let (backend, _served) = answering(
            "HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n{\"title\":\"Not found\",\"detail\":\"no such room\",\"code\":\"not_found\"}",
        )
        .await;
        let error = backend.room_token("room_1", "u", "n").await.unwrap_err();
        assert_eq!(error.code(), "not_found");
        assert_eq!(error.to_string(), "/v1/rooms/room_1/tokens answered 404 Not Found: no such room");
    }

    #[tokio::test]
    async fn an_answer_that_is_no_http_is_an_error() {
        for response in
            ["", "hello\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"]
        {
            let (backend, _served) = answering(response).await;
            assert_eq!(backend.create_room("load", RoomKind::Buddy, 4).await.unwrap_err().code(), "protocol", "{response}");
        }
    }

    #[tokio::test]
    async fn an_unreachable_node_is_told_with_its_address() {
        let backend = Backend::new(Dialer::new("http://127.0.0.1:1".parse().unwrap(), None).unwrap(), "devkey", "hush");
        let error = backend.create_room("load", RoomKind::Buddy, 4).await.unwrap_err();
        assert_eq!(error.code(), "unreachable");
        assert!(error.to_string().starts_with("cannot reach http://127.0.0.1:1: "), "{error}");
        assert!(!format!("{backend:?}").contains("hush"));
    }
}
