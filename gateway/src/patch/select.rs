//! Which of the artefacts of the folder serve: each is examined, and of several versions of one patch the highest that
//! may serve does.
//!
//! What an operator has switched off is not examined at all, so that `disable` is a way out whatever is wrong with a
//! file. Everything else must be in order, or nothing of the folder serves.

use std::collections::BTreeMap;
use std::path::PathBuf;

use semver::Version;
use serde_json::{Value, json};

use super::artefact::{ABI_MAJOR, ARCH, ArtefactName};
use super::descriptor::{Descriptor, gateway_version};
use super::digest::Digest;
use super::folder::Found;
use super::manifest::Manifest;
use super::signature::{self, Provenance};
use super::state::{Mark, Note, State};
use super::trust::refuse;
use super::{codes, elf};
use crate::config::PatchSettings;
use crate::diagnostic::Diagnostic;

/// What an artefact does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It serves.
    Active,
    /// A higher version of the same patch serves instead.
    Superseded(Version),
    /// The gateway is outside the range it is meant for.
    Inert(String),
    /// An operator, or the time budget, switched the patch off.
    Disabled(Note),
    /// An operator took this version back.
    Reverted(Note),
    /// The process died inside it.
    Quarantined(Note),
}

impl Standing {
    /// The word for it in reports.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Superseded(_) => "superseded",
            Self::Inert(_) => "inert",
            Self::Disabled(_) => "disabled",
            Self::Reverted(_) => "reverted",
            Self::Quarantined(_) => "quarantined",
        }
    }

    /// Why, in words; `None` where the word says it all.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Active => None,
            Self::Superseded(by) => Some(format!("version {by} serves")),
            Self::Inert(reason) => Some(reason.clone()),
            Self::Disabled(note) | Self::Reverted(note) | Self::Quarantined(note) => {
                Some(note.reason.clone())
            }
        }
    }

    fn since(&self) -> Option<u64> {
        match self {
            Self::Disabled(note) | Self::Reverted(note) | Self::Quarantined(note) => Some(note.since),
            Self::Active | Self::Superseded(_) | Self::Inert(_) => None,
        }
    }
}

/// An artefact of the folder with what is known about it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Where it stands.
    pub path: PathBuf,
    /// Its content.
    pub digest: Digest,
    /// Name of the patch; the file's where it was not examined and nothing else is known.
    pub name: String,
    /// Its version, as far as it is known.
    pub version: Option<Version>,
    /// Who made it, if that was examined.
    pub provenance: Option<Provenance>,
    /// What it says of itself, if it was examined.
    pub descriptor: Option<Descriptor>,
    /// What it does.
    pub standing: Standing,
}

impl Listed {
    /// The artefact for programs.
    pub fn to_json(&self) -> Value {
        let described = self.descriptor.as_ref();
        let components = described
            .map(|described| described.components.iter().map(ToString::to_string).collect::<Vec<_>>());
        json!({
            "name": self.name,
            "version": self.version,
            "state": self.standing.as_str(),
            "reason": self.standing.reason(),
            "since_unix": self.standing.since(),
            "description": described.map(|described| &described.description),
            "components": components,
            "gateways": described.map(|described| described.gateways.to_string()),
            "abi": described.map(|described| described.abi),
            "signature": self.provenance.as_ref().map(ToString::to_string),
            "file": self.path,
            "sha256": self.digest,
        })
    }

    /// Name and version for messages.
    pub fn title(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Examines artefacts. `try_out` runs the trial of one that passed everything before.
pub fn examine(
    found: &[Found],
    state: &State,
    settings: &PatchSettings,
    try_out: &mut dyn FnMut(&Found) -> Result<Descriptor, Box<Diagnostic>>,
) -> Result<Vec<Listed>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut listed = Vec::new();
    for found in found {
        match examine_one(found, state, settings, try_out) {
            Ok(one) => listed.push(one),
            Err(problem) => problems.push(*problem),
        }
    }
    choose(&mut listed, &mut problems);
    conflicts(&listed, &mut problems);
    if problems.is_empty() { Ok(listed) } else { Err(problems) }
}

/// An artefact as far as its file name tells.
pub fn unexamined(found: &Found) -> Listed {
    let claimed = ArtefactName::parse(found.file_name());
    Listed {
        path: found.path.clone(),
        digest: found.digest,
        name: claimed.as_ref().map_or_else(|| found.file_name().to_owned(), |claimed| claimed.name.clone()),
        version: claimed.map(|claimed| claimed.version),
        provenance: None,
        descriptor: None,
        standing: Standing::Active,
    }
}

fn examine_one(
    found: &Found,
    state: &State,
    settings: &PatchSettings,
    try_out: &mut dyn FnMut(&Found) -> Result<Descriptor, Box<Diagnostic>>,
) -> Result<Listed, Box<Diagnostic>> {
    let claimed = ArtefactName::parse(found.file_name());
    let mut listed = unexamined(found);
    if let Some(marked) = state.marked.get(&found.digest) {
        listed.name.clone_from(&marked.name);
        listed.version = Some(marked.version.clone());
        listed.standing = match marked.mark {
            Mark::Reverted => Standing::Reverted(marked.note.clone()),
            Mark::Quarantined => Standing::Quarantined(marked.note.clone()),
        };
        return Ok(listed);
    }
    if let Some(note) = state.disabled.get(&listed.name) {
        listed.standing = Standing::Disabled(note.clone());
        return Ok(listed);
    }
    let manifest = precheck(found, settings, claimed.as_ref())?;
    let provenance = signature::check(found, settings.signatures, &settings.trusted_keys)?;
    listed.provenance = Some(provenance);
    let gateway = gateway_version();
    let described = match manifest {
        Some(manifest) if manifest.descriptor().inert_in(&gateway).is_some() => manifest.descriptor(),
        manifest => {
            let described = try_out(found)?;
            agree(found, &described, manifest.as_ref(), claimed.as_ref())?;
            described
        }
    };
    listed.name.clone_from(&described.name);
    listed.version = Some(described.version.clone());
    if let Some(note) = state.disabled.get(&described.name) {
        listed.standing = Standing::Disabled(note.clone());
    } else if let Some(reason) = described.inert_in(&gateway) {
        listed.standing = Standing::Inert(reason);
    }
    listed.descriptor = Some(described);
    Ok(listed)
}

/// What can be known from the bytes alone: what kind of file it is, and that its manifest is about it.
fn precheck(
    found: &Found,
    settings: &PatchSettings,
    claimed: Option<&ArtefactName>,
) -> Result<Option<Manifest>, Box<Diagnostic>> {
    let manifest_path =
        found.path.with_file_name(format!("{}{}", found.file_name(), super::artefact::MANIFEST));
    let manifest = found.manifest.as_ref().map(|text| Manifest::parse(text, &manifest_path)).transpose()?;
    let differs = |what: &str| {
        let remedy = "build the patch again with `forebay patch build`, or fetch all its files again";
        Err(Box::new(refuse(codes::DISAGREEMENT, &found.path, what, remedy)))
    };
    if let Some(manifest) = &manifest
        && manifest.sha256 != found.digest
    {
        // A changed library is above all not what was signed.
        if found.signature.is_some() {
            signature::check(found, settings.signatures, &settings.trusted_keys)?;
        }
        elf::check(&found.path, &found.bytes)?;
        return differs("the library is not the one its manifest is about: the SHA-256 differs");
    }
    elf::check(&found.path, &found.bytes)?;
    let claims = claimed.map(|claimed| (claimed.abi_major, claimed.arch.as_str()));
    let says = manifest.as_ref().map(|manifest| (manifest.abi.major, manifest.arch.as_str()));
    for (major, arch) in claims.into_iter().chain(says) {
        if major != ABI_MAJOR {
            let reason = format!(
                "the patch is for version {major} of the interface, and this gateway speaks {ABI_MAJOR}"
            );
            let remedy =
                "build it for this gateway's version of the interface, or install the gateway it is for";
            return Err(Box::new(refuse(codes::ABI, &found.path, reason, remedy)));
        }
        if arch != ARCH {
            return differs(&format!("the patch says it is for {arch}, and its library is for {ARCH}"));
        }
    }
    Ok(manifest)
}

/// Refuses a library that says something else of itself than its manifest or its file name.
fn agree(
    found: &Found,
    described: &Descriptor,
    manifest: Option<&Manifest>,
    claimed: Option<&ArtefactName>,
) -> Result<(), Box<Diagnostic>> {
    let differs = |what: String| {
        let remedy = "build the patch again with `forebay patch build`, which writes name and manifest anew";
        Err(Box::new(refuse(codes::DISAGREEMENT, &found.path, what, remedy)))
    };
    let title = format!("{} {}", described.name, described.version);
    if let Some(claimed) = claimed
        && (claimed.name != described.name || claimed.version != described.version)
    {
        return differs(format!(
            "the file is named for {} {}, but the library is {title}",
            claimed.name, claimed.version
        ));
    }
    match manifest.map(Manifest::descriptor) {
        Some(says) if says != *described => {
            differs(format!("the manifest and the library ({title}) say different things of the patch"))
        }
        _ => Ok(()),
    }
}

/// Of several versions of one patch the highest serves.
fn choose(listed: &mut [Listed], problems: &mut Vec<Diagnostic>) {
    let mut best: BTreeMap<String, usize> = BTreeMap::new();
    for index in 0..listed.len() {
        if listed[index].standing != Standing::Active {
            continue;
        }
        let Some(&other) = best.get(&listed[index].name) else {
            best.insert(listed[index].name.clone(), index);
            continue;
        };
        let (one, two) = (&listed[other], &listed[index]);
        if one.version == two.version && one.digest != two.digest {
            let (file, title) = (one.path.display(), two.title());
            let reason = format!("{file} holds {title} too, with another content");
            let remedy = "remove one of the two files, or give one of them another version";
            problems.push(refuse(codes::CONFLICT, &two.path, reason, remedy));
            continue;
        }
        let (winner, loser) = if two.version > one.version { (index, other) } else { (other, index) };
        if let Some(version) = listed[winner].version.clone() {
            best.insert(listed[winner].name.clone(), winner);
            listed[loser].standing = Standing::Superseded(version);
        }
    }
}

/// Refuses two patches for one component.
fn conflicts(listed: &[Listed], problems: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<(&str, &str), &Listed> = BTreeMap::new();
    for one in listed.iter().filter(|one| one.standing == Standing::Active) {
        for claim in one.descriptor.iter().flat_map(|described| &described.components) {
            let Some(other) = seen.insert((&claim.kind, &claim.id), one) else { continue };
            let (first, second) = (other.title(), one.title());
            let reason = format!("two patches for the {} `{}`: {first} and {second}", claim.kind, claim.id);
            let remedy =
                format!("`forebay patch disable {}` or `forebay patch disable {}`", other.name, one.name);
            problems.push(refuse(codes::CONFLICT, &one.path, reason, &remedy));
        }
    }
}

#[cfg(test)]
mod tests;
