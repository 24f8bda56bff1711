//! Instances, their types, and addresses.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{self, AttachmentStatus, Filter, InstanceStateName};

use super::{tags, time};
use crate::aws::{Aws, AwsError, Operation, pages};
use crate::costs::estate::{Address, Instance, InstanceType};
use crate::model::Scope;

/// The largest pages of `DescribeInstances`, `DescribeInstanceTypes` and `DescribeNetworkInterfaces` (their API references).
const PAGE: i32 = 1_000;
const TYPES_A_PAGE: i32 = 100;

/// "200 values a filter" ("Filter your resources" in the EC2 user guide).
const VALUES_A_FILTER: usize = 200;

/// What AWS bills no more.
const GONE: [InstanceStateName; 2] = [InstanceStateName::Terminated, InstanceStateName::ShuttingDown];

/// The pool of addresses that are Amazon's; one's own are not billed ("`DescribeAddresses`" in the EC2 API reference).
const AMAZONS: &str = "amazon";

/// The instances of a scope.
pub(super) async fn instances(aws: &Aws, scope: &Scope) -> Result<Vec<Instance>, AwsError> {
    let clients = &aws.clients(scope);
    pages(|token| async move {
        let ask = || clients.ec2.describe_instances().max_results(PAGE).set_next_token(token.clone()).send();
        let page = aws.call(scope, Operation::DESCRIBE_INSTANCES, ask).await?;
        let all = page.reservations().iter().flat_map(types::Reservation::instances);
        Ok((all.filter_map(|one| instance(scope, one)).collect(), page.next_token().map(str::to_owned)))
    })
    .await
}

fn instance(scope: &Scope, instance: &types::Instance) -> Option<Instance> {
    let state = instance.state()?.name()?;
    if GONE.contains(state) {
        return None;
    }
    let placement = instance.placement();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let vcpu = |options: &types::CpuOptions| Some(options.core_count()? * options.threads_per_core()?);
    let device = |device: &types::InstanceBlockDeviceMapping| {
        let ebs = device.ebs().filter(|ebs| ebs.status() != Some(&AttachmentStatus::Detached))?;
        Some((device.device_name()?.to_owned(), ebs.volume_id()?.to_owned()))
    };
    Some(Instance {
        scope: scope.clone(),
        id: instance.instance_id()?.to_owned(),
        instance_type: text(instance.instance_type().map(types::InstanceType::as_str)),
        state: state.as_str().to_owned(),
        zone: text(placement.and_then(|placement| placement.availability_zone())),
        outpost: instance.outpost_arn().is_some(),
        platform: text(instance.platform_details()),
        operation: text(instance.usage_operation()),
        tenancy: text(placement.and_then(|placement| placement.tenancy()).map(types::Tenancy::as_str)),
        lifecycle: instance.instance_lifecycle().map(|lifecycle| lifecycle.as_str().to_owned()),
        vcpu: instance.cpu_options().and_then(vcpu).filter(|vcpu| *vcpu > 0),
        launched: time(instance.launch_time()),
        devices: instance.block_device_mappings().iter().filter_map(device).collect(),
        tags: tags(instance.tags()),
    })
}

/// What types of instances have. Asked by a filter, which passes over a name that the region does not know.
pub(super) async fn types(
    aws: &Aws,
    scope: &Scope,
    names: &[&str],
) -> Result<Vec<(String, InstanceType)>, AwsError> {
    let clients = &aws.clients(scope);
    let mut all = Vec::new();
    for names in names.chunks(usize::try_from(TYPES_A_PAGE).unwrap_or(1)) {
        let filter = &filter("instance-type", names);
        let found = pages(|token| async move {
            let ask = || {
                let request = clients.ec2.describe_instance_types().filters(filter.clone());
                request.max_results(TYPES_A_PAGE).set_next_token(token.clone()).send()
            };
            let page = aws.call(scope, Operation::DESCRIBE_INSTANCE_TYPES, ask).await?;
            let found = page.instance_types().iter().filter_map(instance_type).collect();
            Ok((found, page.next_token().map(str::to_owned)))
        });
        all.extend(found.await?);
    }
    Ok(all)
}

fn instance_type(info: &types::InstanceTypeInfo) -> Option<(String, InstanceType)> {
    let facts = InstanceType {
        vcpu: info.v_cpu_info().and_then(types::VCpuInfo::default_v_cpus),
        memory_mib: info.memory_info().and_then(types::MemoryInfo::size_in_mib),
    };
    Some((info.instance_type()?.as_str().to_owned(), facts))
}

/// The Elastic IP addresses of a scope. `DescribeAddresses` has no pages.
pub(super) async fn addresses(aws: &Aws, scope: &Scope) -> Result<Vec<Address>, AwsError> {
    let clients = aws.clients(scope);
    let ask = || clients.ec2.describe_addresses().send();
    let answer = aws.call(scope, Operation::DESCRIBE_ADDRESSES, ask).await?;
    let mut found: Vec<Address> = answer.addresses().iter().filter_map(|one| address(scope, one)).collect();
    let unclear: Vec<&str> = found
        .iter()
        .filter(|address| address.instance.is_none())
        .filter_map(|address| address.interface.as_deref())
        .collect();
    let free = free_interfaces(aws, scope, &unclear).await?;
    for address in &mut found {
        address.interface_is_free = address.interface.as_ref().is_some_and(|id| free.contains(id));
    }
    Ok(found)
}

fn address(scope: &Scope, address: &types::Address) -> Option<Address> {
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let public = address.public_ip()?.to_owned();
    address.public_ipv4_pool().is_none_or(|pool| pool == AMAZONS).then(|| Address {
        scope: scope.clone(),
        id: text(address.allocation_id()).unwrap_or_else(|| public.clone()),
        address: public,
        instance: text(address.instance_id()),
        interface: text(address.network_interface_id()),
        interface_is_free: false,
        tags: tags(address.tags()),
    })
}

/// Those of the network interfaces that are attached to nothing. Only asked for where an address is associated with one that is
/// no instance's.
async fn free_interfaces(aws: &Aws, scope: &Scope, ids: &[&str]) -> Result<BTreeSet<String>, AwsError> {
    let clients = &aws.clients(scope);
    let distinct: BTreeSet<&str> = ids.iter().copied().collect();
    let ids: Vec<&str> = distinct.into_iter().collect();
    let mut free = BTreeSet::new();
    for ids in ids.chunks(VALUES_A_FILTER) {
        let filters = &vec![filter("network-interface-id", ids), filter("status", &["available"])];
        let found: Vec<String> = pages(|token| async move {
            let ask = || {
                let request = clients.ec2.describe_network_interfaces().set_filters(Some(filters.clone()));
                request.max_results(PAGE).set_next_token(token.clone()).send()
            };
            let page = aws.call(scope, Operation::DESCRIBE_NETWORK_INTERFACES, ask).await?;
            let ids = page
                .network_interfaces()
                .iter()
                .filter_map(|one| Some(one.network_interface_id()?.to_owned()));
            Ok((ids.collect(), page.next_token().map(str::to_owned)))
        })
        .await?;
        free.extend(found);
    }
    Ok(free)
}

fn filter(name: &str, values: &[&str]) -> Filter {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}
