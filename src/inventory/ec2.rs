//! EC2 instances.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{AttachmentStatus, Filter, Instance, Tag};
use serde_json::Value;

use super::time::time_text;
use super::{Standing, Target, TargetKind};
use crate::aws::{Aws, AwsError, Operation, pages};
use crate::model::Scope;

/// The largest page of `DescribeInstances` (its API reference).
const PAGE: i32 = 1000;

/// Reads all instances of a scope that pass the filters, page by page.
pub(super) async fn read(
    aws: &Aws,
    scope: &Scope,
    filters: &BTreeMap<String, BTreeSet<String>>,
) -> Result<Vec<Target>, AwsError> {
    read_as(aws, scope, filters, target).await
}

/// Reads all instances of a scope that pass the filters, with their states alone.
pub(super) async fn read_standings(
    aws: &Aws,
    scope: &Scope,
    filters: &BTreeMap<String, BTreeSet<String>>,
) -> Result<Vec<(String, Standing)>, AwsError> {
    read_as(aws, scope, filters, |_, instance| standing(instance)).await
}

async fn read_as<T>(
    aws: &Aws,
    scope: &Scope,
    filters: &BTreeMap<String, BTreeSet<String>>,
    read: impl Fn(&Scope, &Instance) -> Option<T>,
) -> Result<Vec<T>, AwsError> {
    let clients = &aws.clients(scope);
    let (filters, read) = (&sdk_filters(filters), &read);
    pages(|token| async move {
        let ask = || {
            let request = clients.ec2.describe_instances().set_filters(Some(filters.clone()));
            request.max_results(PAGE).set_next_token(token.clone()).send()
        };
        let page = aws.call(scope, Operation::DESCRIBE_INSTANCES, ask).await?;
        let instances = page.reservations().iter().flat_map(aws_sdk_ec2::types::Reservation::instances);
        let targets = instances.filter_map(|instance| read(scope, instance));
        Ok((targets.collect(), page.next_token().map(str::to_owned)))
    })
    .await
}

/// Filters as the SDK wants them.
pub(super) fn sdk_filters(filters: &BTreeMap<String, BTreeSet<String>>) -> Vec<Filter> {
    let filter = |(name, values): (&String, &BTreeSet<String>)| {
        Filter::builder().name(name).set_values(Some(values.iter().cloned().collect())).build()
    };
    filters.iter().map(filter).collect()
}

/// The tags of an EC2 resource.
pub(super) fn tags_of(tags: &[Tag]) -> BTreeMap<String, String> {
    let tag = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()));
    tags.iter().filter_map(tag).collect()
}

/// The service that manages an instance, such as EKS: AWS refuses changes by anybody else ("Amazon EC2 managed instances" in
/// the EC2 user guide).
fn manager(instance: &Instance) -> Option<&str> {
    let operator = instance.operator().filter(|operator| operator.managed() == Some(true))?;
    Some(operator.principal().unwrap_or("an AWS service"))
}

fn standing(instance: &Instance) -> Option<(String, Standing)> {
    let state = instance.state()?.name()?.as_str().to_owned();
    let reason = instance.state_reason().and_then(|reason| reason.message().or(reason.code()));
    let reason = reason.filter(|reason| !reason.is_empty()).map(str::to_owned);
    Some((instance.instance_id()?.to_owned(), Standing { state, reason }))
}

fn target(scope: &Scope, instance: &Instance) -> Option<Target> {
    let id = instance.instance_id()?.to_owned();
    let tags = tags_of(instance.tags());
    let state = instance.state().and_then(|state| state.name()).map_or("unknown", |name| name.as_str());
    let texts = [
        ("instance_type", instance.instance_type().map(aws_sdk_ec2::types::InstanceType::as_str)),
        ("availability_zone", instance.placement().and_then(|placement| placement.availability_zone())),
        ("private_ip", instance.private_ip_address()),
        ("public_ip", instance.public_ip_address()),
        ("image_id", instance.image_id()),
        ("vpc_id", instance.vpc_id()),
        ("subnet_id", instance.subnet_id()),
        ("platform", instance.platform_details()),
        ("architecture", instance.architecture().map(aws_sdk_ec2::types::ArchitectureValues::as_str)),
        ("root_device_type", instance.root_device_type().map(aws_sdk_ec2::types::DeviceType::as_str)),
        ("managed_by", manager(instance)),
        ("lifecycle", instance.instance_lifecycle().map(aws_sdk_ec2::types::InstanceLifecycleType::as_str)),
    ];
    let mut attributes: BTreeMap<&'static str, Value> =
        texts.into_iter().filter_map(|(name, value)| Some((name, Value::from(value?)))).collect();
    // Of the last start, also of an instance that is stopped; AWS does not tell when it was made ("Instance" in the
    // EC2 API reference).
    attributes.extend(time_text(instance.launch_time()).map(|time| ("launched", time)));
    let hibernation =
        instance.hibernation_options().and_then(aws_sdk_ec2::types::HibernationOptions::configured);
    attributes.extend(hibernation.map(|configured| ("hibernation", Value::from(configured))));
    let (volumes, root) = volumes(instance);
    attributes.extend(root.map(|root| ("root_volume", Value::from(root))));
    if !volumes.is_empty() {
        attributes.insert("volumes", volumes.into_iter().collect());
    }
    Some(Target {
        kind: TargetKind::Ec2,
        scope: scope.clone(),
        name: super::target::name_of(&tags, &id),
        state: state.to_owned(),
        attributes,
        tags,
        id,
    })
}

/// The ids of all volumes that are attached, and that of the root volume.
fn volumes(instance: &Instance) -> (BTreeSet<&str>, Option<&str>) {
    let attached: Vec<(Option<&str>, &str)> = instance
        .block_device_mappings()
        .iter()
        .filter_map(|device| {
            let ebs = device.ebs().filter(|ebs| ebs.status() != Some(&AttachmentStatus::Detached))?;
            Some((device.device_name(), ebs.volume_id()?))
        })
        .collect();
    let root = attached.iter().find(|(device, _)| device.is_some() && *device == instance.root_device_name());
    (attached.iter().map(|(_, id)| *id).collect(), root.map(|(_, id)| *id))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::primitives::DateTime;
    use aws_sdk_ec2::types::{
        ArchitectureValues, DeviceType, EbsInstanceBlockDevice, HibernationOptions,
        InstanceBlockDeviceMapping, InstanceLifecycleType, InstanceState, InstanceStateName, InstanceType,
        OperatorResponse, Placement,
    };

    use super::*;

    fn device(name: &str, volume: &str, status: AttachmentStatus) -> InstanceBlockDeviceMapping {
        let ebs = EbsInstanceBlockDevice::builder().volume_id(volume).status(status).build();
        InstanceBlockDeviceMapping::builder().device_name(name).ebs(ebs).build()
    }

    #[test]
    fn every_attribute_that_templates_may_use_is_read() {
        let instance = Instance::builder()
            .root_device_name("/dev/xvda")
            .block_device_mappings(device("/dev/sdf", "vol-2", AttachmentStatus::Attaching))
            .block_device_mappings(device("/dev/xvda", "vol-9", AttachmentStatus::Attached))
            .block_device_mappings(device("/dev/sdg", "vol-1", AttachmentStatus::Detached))
            .instance_id("i-1")
            .state(InstanceState::builder().name(InstanceStateName::Running).build())
            .tags(Tag::builder().key("Name").value(" web ").build())
            .instance_type(InstanceType::M7gLarge)
            .placement(Placement::builder().availability_zone("us-east-1a").build())
            .private_ip_address("10.0.0.1")
            .public_ip_address("192.0.2.1")
            .image_id("ami-1")
            .vpc_id("vpc-1")
            .subnet_id("subnet-1")
            .platform_details("Linux/UNIX")
            .architecture(ArchitectureValues::Arm64)
            .instance_lifecycle(InstanceLifecycleType::Spot)
            .operator(OperatorResponse::builder().managed(true).principal("eks.amazonaws.com").build())
            .root_device_type(DeviceType::Ebs)
            .hibernation_options(HibernationOptions::builder().configured(true).build())
            .launch_time(DateTime::from_secs(0))
            .build();
        let target = target(&Scope::new("111122223333", "us-east-1"), &instance).unwrap();
        assert_eq!(target.attributes.keys().copied().collect::<Vec<_>>(), TargetKind::Ec2.attributes());
        assert_eq!((target.name.as_str(), target.state.as_str()), ("web", "running"));
        let of = |name: &str| target.attributes[name].to_string();
        assert_eq!((of("root_volume"), of("volumes")), ("\"vol-9\"".into(), "[\"vol-2\",\"vol-9\"]".into()));
    }
}
