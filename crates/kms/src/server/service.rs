//! The service `v2.KeyManagementService`.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use envcrypt_core::kek::k8skms::protocol::{
    DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse, StatusRequest, StatusResponse,
};
use envcrypt_core::kek::{KekError, Refusal};
use envcrypt_core::seed::BadCiphertext;
use futures::FutureExt;
use futures::future::BoxFuture;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::engine::{Engine, OpenError, SealError};
use crate::metrics::Metrics;
use crate::peers::WriteError;

/// How long a call may take. kube-apiserver waits 3 seconds.
const BUDGET: Duration = Duration::from_millis(2700);
/// The maximum size of a request, in bytes.
const MAX_REQUEST: usize = 64 << 10;

/// The engine at work. A new configuration replaces it.
#[derive(Clone)]
pub struct Serving(Arc<RwLock<Arc<Engine>>>);

impl Serving {
    /// Serves with this engine.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self(Arc::new(RwLock::new(engine)))
    }

    /// The engine at work.
    pub fn engine(&self) -> Arc<Engine> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves with another engine from now on.
    pub fn replace(&self, engine: Arc<Engine>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = engine;
    }
}

/// The three calls.
#[derive(Clone)]
pub struct Calls {
    serving: Serving,
    metrics: Arc<Metrics>,
}

impl Calls {
    /// Answers with the engine at work.
    pub fn new(serving: Serving, metrics: Arc<Metrics>) -> Self {
        Self { serving, metrics }
    }

    /// The service of gRPC.
    pub(super) fn service(self) -> KeyManagementService {
        KeyManagementService(self)
    }

    /// From memory: a KMS is never called.
    async fn status(self, _: StatusRequest) -> Result<StatusResponse, Status> {
        let engine = self.serving.engine();
        let version = engine.config().protocol().name().to_owned();
        match engine.key_id() {
            Ok(key_id) => Ok(StatusResponse { version, healthz: "ok".to_owned(), key_id }),
            // With another `healthz`, kube-apiserver would go on for ever with its last seed.
            Err(why) => Err(Status::unavailable(why)),
        }
    }

    async fn encrypt(self, request: EncryptRequest) -> Result<EncryptResponse, Status> {
        let answer = self.serving.engine().encrypt(&request.plaintext).await;
        answer.map_err(not_sealed)
    }

    async fn decrypt(self, request: DecryptRequest) -> Result<DecryptResponse, Status> {
        let opened = self.serving.engine().decrypt(&request).await;
        let seed = opened.map_err(|error| refused(&error))?;
        Ok(DecryptResponse { plaintext: seed.expose().to_vec() })
    }

    /// Answers in time, whatever happens, and counts the call.
    async fn call<Q, A, F>(
        self,
        method: &'static str,
        request: Request<Q>,
        uid: fn(&Q) -> &str,
        call: impl FnOnce(Self, Q) -> F,
    ) -> Result<Response<A>, Status>
    where
        F: Future<Output = Result<A, Status>>,
    {
        let (began, metrics) = (Instant::now(), self.metrics.clone());
        let request = request.into_inner();
        let uid = shown(uid(&request));
        let call = AssertUnwindSafe(tokio::time::timeout(BUDGET, call(self, request)));
        let answer = match call.catch_unwind().await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Status::deadline_exceeded("no KEK answered in time")),
            Err(_) => {
                metrics.panics.inc();
                Err(Status::internal("a bug in envcrypt-kms: see its log"))
            }
        };
        let code = answer.as_ref().err().map_or(Code::Ok, Status::code);
        metrics.request(method, name(code), began);
        let millis = began.elapsed().as_millis();
        match &answer {
            Ok(_) => tracing::debug!(method, uid, millis, "ok"),
            Err(status) => {
                tracing::warn!(method, uid, millis, code = name(code), "{}", status.message());
            }
        }
        answer.map(Response::new)
    }
}

/// The uid that a log shows: a part of it, without anything that breaks a line.
fn shown(uid: &str) -> String {
    uid.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect()
}

/// The answer to kube-apiserver if a seed is not sealed.
fn not_sealed(error: SealError) -> Status {
    match error {
        SealError::NotReady(why) => Status::unavailable(why),
        SealError::Peer(error @ WriteError::Size(_)) => Status::invalid_argument(error.to_string()),
        SealError::Peer(WriteError::Kek(error)) => {
            Status::new(code(std::slice::from_ref(&error)), error.to_string())
        }
    }
}

/// The answer to kube-apiserver if a seed is not opened. It names KEKs and reasons, never a key.
fn refused(error: &OpenError) -> Status {
    match error {
        OpenError::Bad(BadCiphertext::Foreign) => Status::failed_precondition(
            "another KMS plugin made this ciphertext: `reads` must name that plugin",
        ),
        OpenError::Bad(error) => Status::invalid_argument(error.to_string()),
        OpenError::Cluster(cluster) => Status::failed_precondition(format!(
            "the ciphertext belongs to the cluster `{}`: if this cluster had that name, add it to `formerly`",
            cluster.escape_debug()
        )),
        OpenError::NoKek => {
            Status::failed_precondition("none of the configured KEKs wrapped this local key")
        }
        OpenError::Keks(errors) => {
            let reasons: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Status::new(code(errors), reasons.join("; "))
        }
    }
}

/// An outage if any KEK may still open it.
fn code(errors: &[KekError]) -> Code {
    let any = |refusals: &[Refusal]| errors.iter().any(|error| refusals.contains(&error.refusal));
    if any(&[Refusal::Throttled]) {
        Code::ResourceExhausted
    } else if any(&[Refusal::Unreachable, Refusal::NotLoggedIn, Refusal::Failed]) {
        Code::Unavailable
    } else if any(&[Refusal::Denied]) {
        Code::PermissionDenied
    } else {
        Code::FailedPrecondition
    }
}

fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        _ => "other",
    }
}

/// The service of gRPC, which `tonic` calls by the path of the method.
#[derive(Clone)]
pub struct KeyManagementService(Calls);

impl NamedService for KeyManagementService {
    const NAME: &'static str = "v2.KeyManagementService";
}

impl Service<http::Request<Body>> for KeyManagementService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let calls = self.0.clone();
        match request.uri().path() {
            "/v2.KeyManagementService/Status" => Box::pin(unary(request, move |request| {
                calls.call("Status", request, |_| "", Calls::status)
            })),
            "/v2.KeyManagementService/Encrypt" => Box::pin(unary(request, move |request| {
                calls.call(
                    "Encrypt",
                    request,
                    |request: &EncryptRequest| &request.uid,
                    Calls::encrypt,
                )
            })),
            "/v2.KeyManagementService/Decrypt" => Box::pin(unary(request, move |request| {
                calls.call(
                    "Decrypt",
                    request,
                    |request: &DecryptRequest| &request.uid,
                    Calls::decrypt,
                )
            })),
            _ => Box::pin(async { Ok(Status::unimplemented("no such method").into_http()) }),
        }
    }
}

/// Reads a request, answers it once, and writes the answer.
async fn unary<Q, A, F>(
    request: http::Request<Body>,
    answer: impl FnOnce(Request<Q>) -> F + Send + 'static,
) -> Result<http::Response<Body>, Infallible>
where
    Q: prost::Message + Default + Send + 'static,
    A: prost::Message + Default + Send + 'static,
    F: Future<Output = Result<Response<A>, Status>> + Send + 'static,
{
    struct Once<T>(Option<T>);

    impl<Q, A, F, T> UnaryService<Q> for Once<T>
    where
        T: FnOnce(Request<Q>) -> F,
        F: Future<Output = Result<Response<A>, Status>> + Send + 'static,
    {
        type Response = A;
        type Future = BoxFuture<'static, Result<Response<A>, Status>>;

        fn call(&mut self, request: Request<Q>) -> Self::Future {
            Box::pin(self.0.take().expect("a unary call has one request")(request))
        }
    }

    let codec = ProstCodec::<A, Q>::default();
    let mut grpc = Grpc::new(codec).max_decoding_message_size(MAX_REQUEST);
    Ok(grpc.unary(Once(Some(answer)), request).await)
}
