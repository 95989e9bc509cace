//! Keeps the SDK from making a throttled call again. The ring does that, when the service takes it.
//! The SDK makes other calls again, as `AWS_MAX_ATTEMPTS` and `AWS_RETRY_MODE` say.

use aws_sdk_kms::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::operation::decrypt::DecryptError;
use aws_sdk_kms::operation::encrypt::EncryptError;
use aws_sdk_kms::operation::re_encrypt::ReEncryptError;
use aws_smithy_runtime_api::client::interceptors::context::{Error, InterceptorContext};

use super::refusal::is_throttled;

/// Forbids another attempt after a throttled answer.
#[derive(Debug)]
pub(super) struct NotThrottled;

impl ClassifyRetry for NotThrottled {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(Result::err);
        let error = error.and_then(|error| error.as_operation_error());
        match error.and_then(code).is_some_and(is_throttled) {
            true => RetryAction::RetryForbidden,
            false => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "not throttled"
    }
}

/// Returns the code of an error of one of the operations that the ring limits.
fn code(error: &Error) -> Option<&str> {
    fn of<E>(error: &Error) -> Option<&str>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        error.downcast_ref::<E>().and_then(ProvideErrorMetadata::code)
    }
    of::<DecryptError>(error)
        .or_else(|| of::<EncryptError>(error))
        .or_else(|| of::<ReEncryptError>(error))
}

#[cfg(test)]
mod tests {
    use aws_sdk_kms::error::ErrorMetadata;
    use aws_smithy_runtime_api::client::interceptors::context::Input;
    use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;

    use super::*;

    fn action(error: Option<Error>) -> RetryAction {
        let mut context = InterceptorContext::new(Input::erase(()));
        if let Some(error) = error {
            context.set_output_or_error(Err(OrchestratorError::operation(error)));
        }
        NotThrottled.classify_retry(&context)
    }

    #[test]
    fn a_throttled_call_of_each_operation_is_not_made_again_by_the_sdk() {
        let errors = |code: &str| {
            let error = ErrorMetadata::builder().code(code).build();
            [
                Error::erase(DecryptError::generic(error.clone())),
                Error::erase(EncryptError::generic(error.clone())),
                Error::erase(ReEncryptError::generic(error)),
            ]
        };
        for error in errors("ThrottlingException") {
            assert_eq!(action(Some(error)), RetryAction::RetryForbidden);
        }
        for error in errors("KMSInternalException") {
            assert_eq!(action(Some(error)), RetryAction::NoActionIndicated);
        }
        assert_eq!(action(None), RetryAction::NoActionIndicated);
    }
}
