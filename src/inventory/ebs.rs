//! EBS volumes.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{Volume, VolumeAttachmentState, VolumeState, VolumeType};
use serde_json::Value;

use super::ec2::{sdk_filters, tags_of};
use super::time::time_text;
use super::{Target, TargetKind};
use crate::aws::{Aws, AwsError, Operation, pages};
use crate::model::Scope;

/// The largest page that `DescribeVolumes` answers. Its API reference gives no bound today and 500 until 2022; the AWS
/// CLI asks for 1,000.
const PAGE: i32 = 500;

/// Reads all volumes of a scope that pass the filters, page by page.
pub(super) async fn read(
    aws: &Aws,
    scope: &Scope,
    filters: &BTreeMap<String, BTreeSet<String>>,
) -> Result<Vec<Target>, AwsError> {
    let clients = &aws.clients(scope);
    let filters = &sdk_filters(filters);
    pages(|token| async move {
        let ask = || {
            let request = clients.ec2.describe_volumes().set_filters(Some(filters.clone()));
            request.max_results(PAGE).set_next_token(token.clone()).send()
        };
        let page = aws.call(scope, Operation::DESCRIBE_VOLUMES, ask).await?;
        let targets = page.volumes().iter().filter_map(|volume| target(scope, volume));
        Ok((targets.collect(), page.next_token().map(str::to_owned)))
    })
    .await
}

fn target(scope: &Scope, volume: &Volume) -> Option<Target> {
    let id = volume.volume_id()?.to_owned();
    let tags = tags_of(volume.tags());
    let (instance, device) = attachment(volume);
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(Value::from);
    let attributes = [
        ("availability_zone", text(volume.availability_zone())),
        ("created", time_text(volume.create_time())),
        ("device", text(device)),
        ("encrypted", volume.encrypted().map(Value::from)),
        ("instance", text(instance)),
        ("iops", volume.iops().map(Value::from)),
        ("multi_attach", volume.multi_attach_enabled().map(Value::from)),
        ("size", volume.size().map(Value::from)),
        // A volume that was made empty has an empty one.
        ("snapshot_id", text(volume.snapshot_id())),
        ("throughput", volume.throughput().map(Value::from)),
        ("volume_type", text(volume.volume_type().map(VolumeType::as_str))),
    ];
    Some(Target {
        kind: TargetKind::Ebs,
        scope: scope.clone(),
        name: super::target::name_of(&tags, &id),
        state: volume.state().map_or("unknown", VolumeState::as_str).to_owned(),
        attributes: attributes.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        tags,
        id,
    })
}

/// Instance and device, where it is attached. Multi-Attach volumes may have several instances, in no certain order: the
/// first by id stands for them.
fn attachment(volume: &Volume) -> (Option<&str>, Option<&str>) {
    let attached = volume.attachments().iter().filter(|attachment| {
        attachment.state() != Some(&VolumeAttachmentState::Detached) && attachment.instance_id().is_some()
    });
    let first = attached.min_by_key(|attachment| attachment.instance_id());
    (first.and_then(|first| first.instance_id()), first.and_then(|first| first.device()))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::primitives::DateTime;
    use aws_sdk_ec2::types::{Tag, VolumeAttachment};

    use super::*;

    fn scope() -> Scope {
        Scope::new("111122223333", "us-east-1")
    }

    fn attached(instance: &str, device: &str, state: VolumeAttachmentState) -> VolumeAttachment {
        VolumeAttachment::builder().instance_id(instance).device(device).state(state).build()
    }

    #[test]
    fn every_attribute_that_templates_may_use_is_read() {
        let volume = Volume::builder()
            .volume_id("vol-1")
            .state(VolumeState::InUse)
            .tags(Tag::builder().key("Name").value("data").build())
            .availability_zone("us-east-1a")
            .attachments(attached("i-0", "/dev/sdz", VolumeAttachmentState::Detached))
            .attachments(attached("i-2", "/dev/sdg", VolumeAttachmentState::Attached))
            .attachments(attached("i-1", "/dev/sdf", VolumeAttachmentState::Attached))
            .create_time(DateTime::from_secs(0))
            .encrypted(true)
            .iops(3000)
            .multi_attach_enabled(true)
            .size(8)
            .snapshot_id("snap-1")
            .throughput(125)
            .volume_type(VolumeType::Gp3)
            .build();
        let target = target(&scope(), &volume).unwrap();
        assert_eq!(target.attributes.keys().copied().collect::<Vec<_>>(), TargetKind::Ebs.attributes());
        assert_eq!((target.name.as_str(), target.state.as_str()), ("data", "in-use"));
        assert_eq!(
            (&target.attributes["instance"], &target.attributes["device"]),
            (&"i-1".into(), &"/dev/sdf".into())
        );
    }

    #[test]
    fn what_a_volume_lacks_is_no_attribute() {
        let volume =
            Volume::builder().volume_id("vol-1").state(VolumeState::Available).snapshot_id("").build();
        assert_eq!(target(&scope(), &volume).unwrap().attributes, BTreeMap::new());
    }
}
