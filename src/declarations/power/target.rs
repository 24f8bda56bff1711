//! `--target` of `power`: what is started or stopped.

use crate::declarations::block_names;
use crate::declarations::for_each::id_fault;
use crate::inventory::{Fleet, NameGlob, Selector, TagMatch, Target, TargetKind};
use crate::manifest::suggestion;

/// What starts and stops.
pub(super) const KINDS: [TargetKind; 3] = [TargetKind::Ec2, TargetKind::Rds, TargetKind::RdsCluster];

/// How targets are written, for help and errors.
const FORMS: &str = "give an id, a name (globs are allowed), `tag:KEY=VALUE`, `ec2`, `rds` or `rds_cluster`, any of the first \
                     three behind such a kind (`rds:orders`), or the label of a schedule (`schedule.office`)";

/// One `--target` or `--exclude` of `power`: `i-0abc…`, `web-*`, `rds:orders`, `tag:Env=dev`, `ec2`, `schedule.office`.
#[derive(Clone, Debug)]
pub struct PowerTarget {
    text: String,
    kinds: Vec<TargetKind>,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// All of the kinds.
    Every,
    /// Those whose id or name it is.
    Named { pattern: String, glob: NameGlob },
    /// Those with this tag.
    Tagged { key: String, wanted: TagMatch },
    /// Those of the declarations with such a label.
    Labelled(NameGlob),
}

impl PowerTarget {
    /// Reads what the user wrote.
    ///
    /// # Errors
    /// What is wrong with it, and what to write.
    pub fn new(text: &str) -> Result<Self, (String, String)> {
        let fault = |why: &str| (format!("`{text}` is no target: {why}"), FORMS.to_owned());
        let volumes = TargetKind::Ebs.name();
        if text == volumes || text.strip_prefix(volumes).is_some_and(|rest| rest.starts_with(':')) {
            return Err(fault("volumes neither start nor stop"));
        }
        let of_kind = KINDS.into_iter().find_map(|kind| {
            let rest = text.strip_prefix(kind.name())?;
            if rest.is_empty() { Some((kind, None)) } else { Some((kind, Some(rest.strip_prefix(':')?))) }
        });
        let (kinds, pattern) = match of_kind {
            Some((kind, None)) => (vec![kind], None),
            Some((kind, Some(pattern))) => (vec![kind], Some(pattern)),
            None if id_fault(TargetKind::Ec2, text).is_none() => (vec![TargetKind::Ec2], Some(text)),
            None => (KINDS.to_vec(), Some(text)),
        };
        let glob = |pattern: &str| NameGlob::new(pattern).map_err(|why| fault(&why));
        let what = match pattern {
            None => What::Every,
            Some("") => return Err(fault("it is empty")),
            Some(pattern) if of_kind.is_none() && is_label(pattern) => What::Labelled(glob(pattern)?),
            Some(pattern) => match pattern.strip_prefix("tag:") {
                Some(tag) => tagged(tag).ok_or_else(|| fault("it names no tag's key"))?,
                None => What::Named { pattern: pattern.to_owned(), glob: glob(pattern)? },
            },
        };
        Ok(Self { text: text.to_owned(), kinds, what })
    }

    /// As the user wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The pattern of declarations' labels that it is.
    pub fn label(&self) -> Option<&NameGlob> {
        match &self.what {
            What::Labelled(glob) => Some(glob),
            _ => None,
        }
    }

    /// The one thing that it names, where it names one by its kind and id and so can mean no other.
    pub fn exact(&self) -> Option<(TargetKind, &str)> {
        let (What::Named { pattern, .. }, [kind]) = (&self.what, &self.kinds[..]) else { return None };
        id_fault(*kind, pattern).is_none().then_some((*kind, pattern))
    }

    /// What to read to find all that it may mean; nothing for a label.
    pub fn selectors(&self) -> Vec<Selector> {
        let of_kind = |&kind: &TargetKind| {
            let mut selector = Selector::all(kind);
            match &self.what {
                What::Tagged { key, wanted } => drop(selector.tags.insert(key.clone(), wanted.clone())),
                What::Named { pattern, .. } if self.exact().is_some() => {
                    selector.ids.insert(pattern.clone());
                }
                _ => {}
            }
            selector
        };
        if self.label().is_some() { Vec::new() } else { self.kinds.iter().map(of_kind).collect() }
    }

    /// What to read to say what may have been meant.
    pub fn neighbours(&self) -> Vec<Selector> {
        if self.label().is_some() {
            Vec::new()
        } else {
            self.kinds.iter().copied().map(Selector::all).collect()
        }
    }

    /// Whether it means the target. What a label means is said by its declaration.
    pub fn matches(&self, target: &Target) -> bool {
        self.kinds.contains(&target.kind)
            && match &self.what {
                What::Every => true,
                What::Named { glob, .. } => glob.matches(&target.id) || glob.matches(&target.name),
                What::Tagged { key, wanted } => wanted.matches(target.tags.get(key)),
                What::Labelled(_) => false,
            }
    }

    /// What may have been meant, in the fleet of [`PowerTarget::neighbours`].
    pub fn hint(&self, fleet: &Fleet) -> String {
        if self.text.contains(',') {
            let each: Vec<String> =
                self.text.split(',').map(|part| format!("--target {}", part.trim())).collect();
            return format!("give each its own: {}", each.join(" "));
        }
        let prefix = self.text.split_once(':').map(|(prefix, _)| prefix);
        let kinds = KINDS.iter().map(|kind| kind.name()).chain(["tag"]);
        if let Some(kind) = prefix.and_then(|prefix| suggestion(prefix, kinds).filter(|kind| *kind != prefix))
        {
            return format!("did you mean `{kind}:`?");
        }
        let (word, candidates): (&str, Vec<String>) = match &self.what {
            What::Tagged { wanted, .. } => {
                let tags = fleet.iter().flat_map(|target| &target.tags);
                let tags = tags.map(|(key, value)| match wanted {
                    TagMatch::Any => format!("tag:{key}"),
                    _ => format!("tag:{key}={value}"),
                });
                let start = self.text.find("tag:").unwrap_or_default();
                (&self.text[start..], tags.collect())
            }
            What::Named { pattern, .. } => {
                let prefix = self.text.strip_suffix(&**pattern).unwrap_or_default();
                let words = fleet.iter().flat_map(|target| [&target.id, &target.name]);
                let kinds = KINDS.iter().map(|kind| kind.name().to_owned()).filter(|_| prefix.is_empty());
                (&self.text, words.map(|word| format!("{prefix}{word}")).chain(kinds).collect())
            }
            What::Every | What::Labelled(_) => return FORMS.to_owned(),
        };
        match suggestion(word, candidates.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if self.exact().is_some() => {
                "it may be in another region (--region), in another account (--profile), or gone for an hour"
                    .to_owned()
            }
            None if matches!(&self.what, What::Tagged { .. }) && word.contains(['*', '?']) => {
                "a tag's value is met to the letter; `tag:KEY` alone means any value".to_owned()
            }
            None => FORMS.to_owned(),
        }
    }
}

/// Whether it begins like the label of a declaration: `schedule.office`.
fn is_label(text: &str) -> bool {
    let block = text.split_once('.').map(|(block, _)| block);
    block.is_some_and(|block| block_names().contains(&block))
}

/// `KEY=VALUE`, to the letter; `KEY` or `KEY=*` for any value.
fn tagged(text: &str) -> Option<What> {
    let (key, value) = text.split_once('=').map_or((text, None), |(key, value)| (key, Some(value)));
    let wanted = match value {
        None | Some("*") => TagMatch::Any,
        Some(value) => TagMatch::OneOf([value.to_owned()].into()),
    };
    (!key.is_empty()).then(|| What::Tagged { key: key.to_owned(), wanted })
}
