//! The schedules that take snapshots of a volume, or of the volumes of an instance.

use serde_json::{Value, json};

use crate::declarations::target_problems::TargetProblems;
use crate::declarations::timezone;
use crate::model::{Address, Claim, Desired, Fields, Origin, TargetRef};
use crate::resources::schedule::{self, Schedule, names};

use super::Snapshots;
use super::holders::Holder;
use super::rendering::{Rendering, Texts, problem};

/// `ExcludeDataVolumeIds` of `CreateSnapshots`: up to 40 ("`InstanceSpecification`" in the EC2 API reference).
const EXCLUDED: usize = 40;

impl Snapshots {
    /// The schedule of a volume, or of those of an instance.
    pub(super) fn wanted(
        &self,
        holder: &Holder<'_>,
        role: &str,
        problems: &mut TargetProblems,
    ) -> Option<Desired> {
        let target = holder.target;
        let (action, of_what) = if holder.is_instance() {
            ("createSnapshots", ("InstanceSpecification", self.specification(holder, problems)?))
        } else {
            ("createSnapshot", ("VolumeId", target.id.as_str().into()))
        };
        let texts = self.texts(holder, problems)?;
        let call = schedule::universal_target(&target.scope.region, "ec2", action);
        // A call that is tried again makes a second snapshot, so there are no retries, as `Schedule::new` has it.
        let zone = timezone::name(&self.block.timezone);
        let mut schedule = Schedule::new(&self.block.schedule, zone, &call, role);
        let tags: Vec<Value> =
            texts.tags.into_iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        schedule.input = json!({
            of_what.0: of_what.1,
            "Description": texts.description,
            "TagSpecifications": [{ "ResourceType": "snapshot", "Tags": tags }],
        });
        schedule.description = Some(schedule::description(&self.project, &self.label));
        let key = names::key(&self.project, &[&self.short_label, &target.id]);
        let address = Address::new(schedule::KIND, target.scope.clone(), key);
        Some(Desired { fields: schedule.to_fields(), ..self.desired_of(address, target.reference()) })
    }

    /// What is the declaration's own, without fields.
    pub(super) fn desired_of(&self, address: Address, target: TargetRef) -> Desired {
        Desired {
            address,
            fields: Fields::new(),
            origin: Origin { label: self.label.clone(), place: self.place.line() },
            place: self.place.clone(),
            target: Some(target),
            claim: Claim::Own { adopt: self.block.adopt },
            protect: self.block.protect,
        }
    }

    /// Which volumes of the instance are taken. `CreateSnapshots` takes all that are not excluded, and refuses the root volume
    /// among the data volumes.
    fn specification(&self, holder: &Holder<'_>, problems: &mut TargetProblems) -> Option<Value> {
        let (excluded, without_root) = holder.left_out();
        if excluded.len() > EXCLUDED {
            let fault = format!(
                ": {} volumes of the instance are not selected, and AWS leaves out at most {EXCLUDED}",
                excluded.len()
            );
            let lead = format!("`consistent` of {} for ", self.label);
            let place = &self.block.for_each.place;
            problems.push(problem(lead, &holder.target.reference(), place, fault));
            return None;
        }
        let mut specification = json!({ "InstanceId": holder.target.id });
        if !excluded.is_empty() {
            specification["ExcludeDataVolumeIds"] = excluded.into_iter().collect();
        }
        if without_root {
            specification["ExcludeBootVolume"] = true.into();
        }
        Some(specification)
    }

    /// Tries what the snapshots of rules will be given when they are adopted, so that a mistake is told before there are any.
    pub(super) fn check_texts(&self, holders: &[&Holder<'_>], problems: &mut TargetProblems) {
        for selected in holders.iter().flat_map(|holder| &holder.volumes) {
            Rendering::new(self, selected, problems).texts(&selected.target.reference());
        }
    }

    /// What the snapshots are given: the same for all that are taken together.
    fn texts(&self, holder: &Holder<'_>, problems: &mut TargetProblems) -> Option<Texts> {
        let target = holder.target.reference();
        let mut rendered = Vec::with_capacity(holder.volumes.len());
        for selected in &holder.volumes {
            let mut rendering = if holder.is_instance() {
                Rendering::within(self, holder, selected, problems)
            } else {
                Rendering::new(self, selected, problems)
            };
            rendered.push((selected, rendering.texts(&target)));
        }
        let rendered: Option<Vec<_>> =
            rendered.into_iter().map(|(selected, texts)| Some((selected, texts?))).collect();
        let mut rendered = rendered?.into_iter();
        let (first, texts) = rendered.next()?;
        for (other, others) in rendered {
            if let Some((field, one, two)) = texts.difference(&others) {
                let fault = format!(
                    ": it is {one:?} for {} and {two:?} for {}, and the snapshots of one call are all given the same",
                    first.target.id, other.target.id
                );
                let lead = format!("`{field}` of {} for ", self.label);
                let mut templates = self.block.templates_of_snapshots().into_iter();
                let template = templates.find(|(name, _)| *name == field);
                let place = template.map_or(&self.place, |(_, template)| template.place());
                problems.push(problem(lead, &target, place, fault));
                return None;
            }
        }
        Some(texts)
    }
}
