//! stub
use crate::ops::BinaryOp;
#[derive(Debug)]
pub struct Chain { pub root_name: Box<str>, pub root_position: u32, pub steps: Box<[Step]>, pub assign: Option<Assign> }
#[derive(Debug)]
pub struct Assign { pub op: Option<BinaryOp>, pub position: u32 }
#[derive(Debug)]
pub struct Step { pub kind: StepKind, pub null_conditional: bool, pub operator_position: u32 }
#[derive(Debug)]
pub enum StepKind { Index { position: u32 }, Property { name: Box<str>, position: u32 }, Method { name: Box<str>, arguments: usize, first_argument_position: u32, position: u32 } }
impl StepKind {
 pub fn property(name: &str, position: u32) -> Self { Self::Property { name: name.into(), position } }
 pub fn method(name: &str, arguments: usize, first_argument_position: u32, position: u32) -> Self { Self::Method { name: name.into(), arguments, first_argument_position, position } }
}
