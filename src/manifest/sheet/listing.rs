//! What `aws ec2 describe-instances` and `aws ec2 describe-tags` print as JSON.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::value::CellValue;

/// A listing as a table.
#[derive(Debug)]
pub(super) struct Listing {
    /// The column that holds the ids.
    pub(super) key: &'static str,
    /// All columns, those of AWS first and the tags after them.
    pub(super) headers: Vec<String>,
    /// Each row with the words for its place.
    pub(super) rows: Vec<(String, Vec<CellValue>)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    reservations: Option<Vec<Reservation>>,
    tags: Option<Vec<ResourceTag>>,
    /// Where the next page begins, in a listing that was cut off.
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reservation {
    #[serde(default)]
    instances: Vec<Instance>,
}

/// What of an instance is of use in a template; a listing holds ten times as much.
#[allow(clippy::struct_field_names)] // The names are AWS's.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Instance {
    instance_id: String,
    instance_type: Option<String>,
    image_id: Option<String>,
    key_name: Option<String>,
    launch_time: Option<String>,
    private_ip_address: Option<String>,
    public_ip_address: Option<String>,
    vpc_id: Option<String>,
    subnet_id: Option<String>,
    architecture: Option<String>,
    platform_details: Option<String>,
    instance_lifecycle: Option<String>,
    state: Option<State>,
    placement: Option<Placement>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Placement {
    availability_zone: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ResourceTag {
    resource_id: String,
    resource_type: Option<String>,
    key: String,
    #[serde(default)]
    value: String,
}

/// The listing of a text.
///
/// # Errors
/// What is wrong with the text, as the rest of a sentence about its file.
pub(super) fn read(text: &str) -> Result<Listing, String> {
    let output: Output =
        serde_json::from_str(text).map_err(|error| format!("is not what the AWS CLI prints: {error}"))?;
    if output.next_token.is_some() {
        return Err("is only a part of the list: it ends with a `NextToken`".to_owned());
    }
    match output {
        Output { reservations: Some(reservations), .. } => Ok(instances(reservations)),
        Output { tags: Some(tags), .. } => Ok(tagged(tags)),
        _ => Err("holds neither `Reservations` nor `Tags`".to_owned()),
    }
}

fn instances(reservations: Vec<Reservation>) -> Listing {
    let mut table = Table::new(&[
        "InstanceId",
        "InstanceType",
        "ImageId",
        "KeyName",
        "LaunchTime",
        "PrivateIpAddress",
        "PublicIpAddress",
        "VpcId",
        "SubnetId",
        "Architecture",
        "PlatformDetails",
        "InstanceLifecycle",
        "State",
        "AvailabilityZone",
    ]);
    for instance in reservations.into_iter().flat_map(|reservation| reservation.instances) {
        let fixed = [
            Some(instance.instance_id.clone()),
            instance.instance_type,
            instance.image_id,
            instance.key_name,
            instance.launch_time,
            instance.private_ip_address,
            instance.public_ip_address,
            instance.vpc_id,
            instance.subnet_id,
            instance.architecture,
            instance.platform_details,
            instance.instance_lifecycle,
            instance.state.and_then(|state| state.name),
            instance.placement.and_then(|placement| placement.availability_zone),
        ];
        let cells = fixed.iter().map(|text| CellValue::of_text(text.as_deref().unwrap_or_default()));
        table.rows.push((instance.instance_id, cells.collect()));
        for tag in &instance.tags {
            table.set(table.rows.len() - 1, &tag.key, &tag.value);
        }
    }
    table.listing("InstanceId")
}

/// One row for each instance; the tags of volumes and the rest are not about targets.
fn tagged(tags: Vec<ResourceTag>) -> Listing {
    let mut table = Table::new(&["ResourceId"]);
    let mut index: BTreeMap<String, usize> = BTreeMap::new();
    let of_instances = |tag: &ResourceTag| tag.resource_type.as_deref().is_none_or(|kind| kind == "instance");
    for tag in tags.into_iter().filter(of_instances) {
        let row = *index.entry(tag.resource_id.clone()).or_insert_with(|| {
            table.rows.push((tag.resource_id.clone(), vec![CellValue::of_text(&tag.resource_id)]));
            table.rows.len() - 1
        });
        table.set(row, &tag.key, &tag.value);
    }
    table.listing("ResourceId")
}

struct Table {
    headers: Vec<String>,
    index: HashMap<String, usize>,
    rows: Vec<(String, Vec<CellValue>)>,
}

impl Table {
    fn new(headers: &[&str]) -> Self {
        let headers: Vec<String> = headers.iter().map(|&header| header.to_owned()).collect();
        let index = headers.iter().cloned().zip(0..).collect();
        Self { headers, index, rows: Vec::new() }
    }

    /// Sets a tag. A tag that is called like a fact of AWS does not hide the fact.
    fn set(&mut self, row: usize, key: &str, value: &str) {
        let column = *self.index.entry(key.to_owned()).or_insert_with(|| {
            self.headers.push(key.to_owned());
            self.headers.len() - 1
        });
        let cells = &mut self.rows[row].1;
        if cells.len() <= column {
            cells.resize(column + 1, CellValue::Empty);
        }
        if cells[column].is_empty() {
            cells[column] = CellValue::of_text(value);
        }
    }

    fn listing(self, key: &'static str) -> Listing {
        Listing { key, headers: self.headers, rows: self.rows }
    }
}
