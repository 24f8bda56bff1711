//! The tag index: `GetResources` of the Resource Groups Tagging API. It lags a little behind, and leaves out what was never
//! tagged.

use std::collections::BTreeMap;

use aws_sdk_resourcegroupstagging::types::{ResourceTagMapping, TagFilter};

use super::pages;
use super::{Aws, AwsError, Operation, PROJECT_TAG};
use crate::model::Scope;

/// The tags of one resource.
pub type Tags = BTreeMap<String, String>;

/// The ARNs and tags of all resources of a type, such as `events:rule`, that bear the tag of this project, or of any where none is
/// given. A hundred a page, the most that `GetResources` takes.
pub async fn tagged_of_type(
    aws: &Aws,
    scope: &Scope,
    resource_type: &str,
    project: Option<&str>,
) -> Result<Vec<(String, Tags)>, AwsError> {
    let clients = &aws.clients(scope);
    let filter =
        &TagFilter::builder().key(PROJECT_TAG).set_values(project.map(|name| vec![name.to_owned()])).build();
    pages(|token| async move {
        let ask = || {
            let request = clients.tagging.get_resources().resource_type_filters(resource_type);
            let request = request.tag_filters(filter.clone()).resources_per_page(100);
            request.set_pagination_token(token.clone()).send()
        };
        let page = aws.call(scope, Operation::GET_RESOURCES, ask).await?;
        let found = page.resource_tag_mapping_list().iter().filter_map(mapping);
        Ok((found.collect(), page.pagination_token().map(str::to_owned)))
    })
    .await
}

/// The tags of the resources with these ARNs, a hundred at most; those that were never tagged are left out.
pub async fn tags_by_arn(aws: &Aws, scope: &Scope, arns: &[String]) -> Result<Vec<(String, Tags)>, AwsError> {
    let clients = aws.clients(scope);
    let answer = aws
        .call(scope, Operation::GET_RESOURCES, || {
            clients.tagging.get_resources().set_resource_arn_list(Some(arns.to_vec())).send()
        })
        .await?;
    Ok(answer.resource_tag_mapping_list().iter().filter_map(mapping).collect())
}

fn mapping(mapping: &ResourceTagMapping) -> Option<(String, Tags)> {
    let tags = mapping.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect();
    Some((mapping.resource_arn()?.to_owned(), tags))
}
