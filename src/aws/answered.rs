//! What the headers of an answer of S3 say, whether it is a good one or not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;

/// Keeps the `Date` of the last answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Answered(Arc<Mutex<Option<DateTime>>>);

impl Answered {
    /// How long before the answer something was; `None` where the answer had no date.
    pub(super) fn since(&self, then: Option<&DateTime>) -> Option<Duration> {
        let at = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = at?.secs().saturating_sub(then?.secs());
        Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    }
}

impl Intercept for Answered {
    fn name(&self) -> &'static str {
        "Answered"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|text| DateTime::from_str(text, Format::HttpDate).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}

/// Keeps the region that the last answer says the bucket is in. A refusal says it, too.
#[derive(Clone, Debug, Default)]
pub(super) struct BucketRegion(Arc<Mutex<Option<String>>>);

impl BucketRegion {
    pub(super) fn told(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Intercept for BucketRegion {
    fn name(&self) -> &'static str {
        "BucketRegion"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let region = context.response().headers().get("x-amz-bucket-region");
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = region.map(str::to_owned);
        Ok(())
    }
}
