//! No half answers.
//!
//! The SDK's XML reader takes a document that ends too early for one with fewer elements, so an answer that was cut off
//! on its way, by a proxy for instance, would look like a smaller fleet.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Refuses XML whose last element is not the end of its first one.
#[derive(Debug)]
pub(super) struct WholeAnswer;

impl Intercept for WholeAnswer {
    fn name(&self) -> &'static str {
        "WholeAnswer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        match response.body().bytes() {
            Some(body) if response.status().is_success() && !is_whole(body) => {
                Err("the answer ends before its end".into())
            }
            _ => Ok(()),
        }
    }
}

fn is_whole(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let mut text = text.trim();
    if let Some(after) = text.strip_prefix("<?xml") {
        text = after.split_once("?>").map_or("", |(_, rest)| rest.trim_start());
    }
    let Some(root) = text.strip_prefix('<') else { return false };
    let name = root.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next().unwrap_or_default();
    text.ends_with(&format!("</{name}>"))
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn a_document_is_whole_when_its_root_is_closed() {
        for whole in ["<A></A>", "<?xml version=\"1.0\"?>\n<A xmlns=\"x\"><B/></A>\n"] {
            assert!(is_whole(whole.as_bytes()), "{whole}");
        }
        for half in
            ["", "{}", "<A>", "<A><B></B>", "<?xml version=\"1.0\"?>", "<html></A>", "<A xmlns=\"x\"><B/></"]
        {
            assert!(!is_whole(half.as_bytes()), "{half}");
        }
    }
}
