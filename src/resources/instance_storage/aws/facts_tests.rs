use aws_sdk_ec2::types::{
    DeviceType, HibernationOptions, Instance, InstanceLifecycleType, OperatorResponse, ProductCode, Tag,
    Volume,
};

use super::*;
use crate::resources::instance_storage::simulated::{INSTANCE, Simulated, moment};
use crate::resources::instance_storage::world::{Attachment, Hold};

fn seen(instance: Instance) -> Seen {
    Seen { world: Simulated::new(2).world, instance, volumes: BTreeMap::new() }
}

#[track_caller]
fn refused(seen: &Seen, words: &[&str]) {
    let reasons = described(seen, &Storage { parked: true, ..Storage::default() });
    assert_eq!(reasons.len(), words.len(), "{reasons:?}");
    for (reason, word) in reasons.iter().zip(words) {
        assert!(reason.contains(word), "{reason} says nothing of {word}");
    }
}

#[test]
fn instances_that_must_not_be_parked_say_why() {
    let instance = Instance::builder;
    let managed = || OperatorResponse::builder().managed(true).build();
    refused(&seen(instance().build()), &[]);
    let hibernates = HibernationOptions::builder().configured(true).build();
    refused(&seen(instance().hibernation_options(hibernates).build()), &["hibernation"]);
    let spot = InstanceLifecycleType::Spot;
    refused(&seen(instance().instance_lifecycle(spot).build()), &["spot instance"]);
    let member = Tag::builder().key(GROUP_TAG).value("fleet").build();
    refused(&seen(instance().tags(member).build()), &["Auto Scaling group \"fleet\""]);
    let store = DeviceType::InstanceStore;
    refused(&seen(instance().root_device_type(store).build()), &["cannot be stopped"]);
    refused(&seen(instance().operator(managed()).build()), &["manages it"]);
}

#[test]
fn codes_of_the_marketplace_have_to_be_allowed() {
    let code = |kind| ProductCode::builder().product_code_id("abc").product_code_type(kind).build();
    let own = seen(Instance::builder().product_codes(code(ProductCodeValues::Devpay)).build());
    refused(&own, &[]);
    let others = seen(Instance::builder().product_codes(code(ProductCodeValues::Marketplace)).build());
    refused(&others, &["allow_marketplace = true"]);
    let allowed = Storage { parked: true, allow_marketplace: true, ..Storage::default() };
    assert_eq!(described(&others, &allowed), [""; 0]);
}

#[test]
fn volumes_that_must_not_be_deleted_say_why() {
    let mut shared = seen(Instance::builder().build());
    shared.world.volumes[1].attachments.push(Attachment {
        instance: "i-other".to_owned(),
        device: "/dev/sdf".to_owned(),
        card: None,
        hold: Hold::Attached,
        since: moment(0),
        delete_on_termination: false,
    });
    refused(&shared, &["vol-1 is attached to i-other as well"]);
    let mut odd = seen(Instance::builder().build());
    odd.world.volumes[0].stage = Stage::Failed;
    odd.world.volumes[1].attributes.tags = (0..50).map(|n| (n.to_string(), String::new())).collect();
    let outpost = Volume::builder().outpost_arn("arn:aws:outposts:…").build();
    let managed = OperatorResponse::builder().managed(true).build();
    odd.volumes.insert("vol-0".to_owned(), outpost);
    odd.volumes.insert("vol-1".to_owned(), Volume::builder().operator(managed).build());
    refused(
        &odd,
        &[
            "vol-0 is not in use",
            "vol-0 is on an Outpost",
            "vol-1 cannot be recorded",
            "manages its volume vol-1",
        ],
    );
}

#[test]
fn what_another_project_parked_is_its_own() {
    let mut aws = Simulated::new(1);
    aws.call(&crate::resources::instance_storage::decide::Step::CreateSet {
        set_size: 1,
        started: moment(0),
    })
    .unwrap();
    aws.world.snapshots[0].project = Some("billing".to_owned());
    assert_eq!(aws.world.instance.id, INSTANCE);
    assert_eq!(others_project(&aws.world, "billing"), None);
    assert!(others_project(&aws.world, "payments").unwrap().contains("\"billing\""));
}
