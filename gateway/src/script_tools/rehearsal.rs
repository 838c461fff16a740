//! One interpreted call over a scene, recorded, so that a program can be compared without real traffic.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use forebay_engine::{Answer, Call, Hook, Host, ScriptStep, Wait};
use serde_json::Value;

use super::Project;
use super::offline::{Offline, drive_call};
use super::scene::{self, Scene};
use crate::memory;
use crate::promote::{Recorder, Sample};

/// Runs the step's function for `hook` in the interpreter over a scene. `None` if the scene makes no exchange for
/// it, the call cannot be replayed, or it takes longer than `time_max`.
pub(crate) fn record(step: &Arc<ScriptStep>, hook: Hook, scene: Value, time_max: Duration) -> Option<Sample> {
    let scene: Scene = serde_json::from_value(scene).ok()?;
    let (exchange, bodies) = scene::build(&scene, hook).ok()?;
    let world = Offline::new(&scene).ok()?;
    // No script is looked for: the step is there already.
    let project = Project { heap_bytes: memory::held_bytes, ..Project::new("") };
    let recorder = Recorder::begin(world.host(&project), hook, &exchange)?;
    let host: Rc<dyn Host> = recorder.clone();
    let call = Call::begin_in(step.clone(), None, hook, exchange, host);
    let began = Instant::now();
    let observe = |wait: &Wait, answer: &Answer| {
        recorder.waited(wait.clone(), answer);
        began.elapsed() < time_max
    };
    let (exchange, verdict) = drive_call(&project, &world, call, &bodies, observe)?;
    recorder.finish(&exchange, &verdict)
}

/// An exchange for a hook, from a scene that fits.
#[cfg(test)]
pub(crate) fn exchange(hook: Hook, scene: Value) -> Box<forebay_engine::Exchange> {
    scene::build(&serde_json::from_value(scene).unwrap(), hook).unwrap().0
}
