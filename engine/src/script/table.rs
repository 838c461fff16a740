//! The one table of everything a script can use beyond Rhai itself.
//!
//! Each row says name, signature, effect and documentation once. The interpreter's registration, `check`'s
//! knowledge of names, the reference page and the editor stubs are read from it; the compiler will take its
//! types and effects from here too. Rows are written beside the functions they name, with `host_functions!`.

use std::any::TypeId;

use rhai::{
    Dynamic, FuncRegistration, Module, NativeCallContext, Position, RhaiFunc, RhaiNativeFunc, Shared,
};

use super::api::{
    BodyHandle, ClientHandle, Cookies, Headers, HttpResponse, Log, Query, Reply, RequestHandle,
    ResponseHandle, Route, Table, UpstreamHandle, Vars,
};
use super::lib::ip::IpSet;
use super::lib::regex::Pattern;

/// What a function does beyond computing its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Depends on its arguments only.
    Pure,
    /// Reads the exchange.
    Reads,
    /// Changes the exchange.
    Mutates,
    /// Reads or writes the world outside of the exchange: clock, randomness, log, metrics, environment.
    Ambient,
    /// May suspend the script while the gateway does something.
    Waits,
}

/// Types of parameters and results, as scripts see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the script type of that name")]
pub enum Type {
    Unit,
    Bool,
    Int,
    Float,
    Char,
    Str,
    Blob,
    Array,
    Map,
    Fn,
    /// Any value.
    Any,
    Request,
    Response,
    Headers,
    Query,
    Cookies,
    Body,
    Client,
    Route,
    Vars,
    Upstream,
    Reply,
    Regex,
    HttpResponse,
    IpSet,
    Log,
    Table,
}

impl Type {
    /// The name scripts see with `type_of` and readers in the reference.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unit => "()",
            Self::Bool => "bool",
            Self::Int => "i64",
            Self::Float => "f64",
            Self::Char => "char",
            Self::Str => "string",
            Self::Blob => "blob",
            Self::Array => "array",
            Self::Map => "map",
            Self::Fn => "Fn",
            Self::Any => "any",
            Self::Request => "Request",
            Self::Response => "Response",
            Self::Headers => "Headers",
            Self::Query => "Query",
            Self::Cookies => "Cookies",
            Self::Body => "Body",
            Self::Client => "Client",
            Self::Route => "Route",
            Self::Vars => "Vars",
            Self::Upstream => "Upstream",
            Self::Reply => "Reply",
            Self::Regex => "Regex",
            Self::HttpResponse => "HttpResponse",
            Self::IpSet => "IpSet",
            Self::Log => "Log",
            Self::Table => "Table",
        }
    }

    /// Whether its values are views of the running exchange, which hold nothing of it themselves.
    pub fn is_view(self) -> bool {
        matches!(
            self,
            Self::Request
                | Self::Response
                | Self::Headers
                | Self::Query
                | Self::Cookies
                | Self::Body
                | Self::Client
                | Self::Route
                | Self::Vars
                | Self::Upstream
                | Self::Log
        )
    }

    /// The Rust type behind it.
    pub fn type_id(self) -> TypeId {
        match self {
            Self::Unit => TypeId::of::<()>(),
            Self::Bool => TypeId::of::<bool>(),
            Self::Int => TypeId::of::<i64>(),
            Self::Float => TypeId::of::<f64>(),
            Self::Char => TypeId::of::<char>(),
            Self::Str => TypeId::of::<rhai::ImmutableString>(),
            Self::Blob => TypeId::of::<rhai::Blob>(),
            Self::Array => TypeId::of::<rhai::Array>(),
            Self::Map => TypeId::of::<rhai::Map>(),
            Self::Fn => TypeId::of::<rhai::FnPtr>(),
            Self::Any => TypeId::of::<rhai::Dynamic>(),
            Self::Request => TypeId::of::<RequestHandle>(),
            Self::Response => TypeId::of::<ResponseHandle>(),
            Self::Headers => TypeId::of::<Headers>(),
            Self::Query => TypeId::of::<Query>(),
            Self::Cookies => TypeId::of::<Cookies>(),
            Self::Body => TypeId::of::<BodyHandle>(),
            Self::Client => TypeId::of::<ClientHandle>(),
            Self::Route => TypeId::of::<Route>(),
            Self::Vars => TypeId::of::<Vars>(),
            Self::Upstream => TypeId::of::<UpstreamHandle>(),
            Self::Reply => TypeId::of::<Reply>(),
            Self::Regex => TypeId::of::<Pattern>(),
            Self::HttpResponse => TypeId::of::<HttpResponse>(),
            Self::IpSet => TypeId::of::<IpSet>(),
            Self::Log => TypeId::of::<Log>(),
            Self::Table => TypeId::of::<Table>(),
        }
    }
}

/// How a script writes the use of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// `name(...)`, without a namespace.
    Global,
    /// `namespace::name(...)`.
    Function,
    /// `value.name(...)`.
    Method,
    /// `value.name`.
    Getter,
    /// `value.name = ...`.
    Setter,
    /// `value[key]`, and `value.key` where there is no such property.
    IndexGetter,
    /// `value[key] = ...`.
    IndexSetter,
}

/// One row of the table.
pub struct HostFunction {
    /// Namespace of a function, type of a method or property, empty for a global.
    pub owner: &'static str,
    /// Name; `[]` for indexers.
    pub name: &'static str,
    /// How it is used.
    pub form: Form,
    /// Names and types of the parameters, without the value a method is called on.
    pub parameters: &'static [(&'static str, Type)],
    /// Type of the result.
    pub returns: Type,
    /// What it does beyond computing.
    pub effect: Effect,
    /// What it is for, in Markdown.
    pub documentation: &'static str,
    /// The type of the value a method or property belongs to.
    pub receiver: Option<Type>,
    pub(crate) register: fn(&HostFunction, &mut Module) -> u64,
    /// The same function for compiled scripts.
    pub(crate) direct: super::direct::Direct,
    /// The types of the Rust function: a test compares them with what the row says.
    #[cfg(test)]
    pub(crate) native_types: fn() -> NativeTypes,
}

/// Parameters, with the receiver first, and result of a row's Rust function.
#[cfg(test)]
pub(crate) type NativeTypes = (Vec<TypeId>, TypeId);

/// The types Rhai finds a function by, and the type of its result without the `Result`.
#[cfg(test)]
pub(crate) fn native_types<A: 'static, const N: usize, const X: bool, R, const F: bool, T>(
    _: T,
) -> NativeTypes
where
    R: rhai::Variant + Clone,
    T: RhaiNativeFunc<A, N, X, R, F>,
{
    let is_text = |kind: &TypeId| *kind == TypeId::of::<&str>() || *kind == TypeId::of::<String>();
    let as_script = |kind: TypeId| if is_text(&kind) { Type::Str.type_id() } else { kind };
    (T::param_types().into_iter().map(as_script).collect(), as_script(TypeId::of::<R>()))
}

impl HostFunction {
    /// How the row reads in the reference: `json::parse(text: string) -> any`.
    pub fn signature(&self) -> String {
        let parameters: Vec<String> =
            self.parameters.iter().map(|(name, kind)| format!("{name}: {}", kind.name())).collect();
        let parameters = parameters.join(", ");
        let returns = self.returns.name();
        match self.form {
            Form::Global => format!("{}({parameters}) -> {returns}", self.name),
            Form::Function => format!("{}::{}({parameters}) -> {returns}", self.owner, self.name),
            Form::Method => format!("{}.{}({parameters}) -> {returns}", self.owner, self.name),
            Form::Getter => format!("{}.{} -> {returns}", self.owner, self.name),
            Form::Setter => format!("{}.{} = {parameters}", self.owner, self.name),
            Form::IndexGetter => format!("{}[{parameters}] -> {returns}", self.owner),
            Form::IndexSetter => format!("{}[{parameters}] =", self.owner),
        }
    }

    pub(crate) fn registration(&self) -> FuncRegistration {
        let names = self.parameters.iter().map(|(name, kind)| format!("{name}: {}", kind.name()));
        let names: Vec<String> =
            self.receiver.map(|kind| format!("self: {}", kind.name())).into_iter().chain(names).collect();
        let registration = match self.form {
            Form::Global | Form::Function | Form::Method => FuncRegistration::new(self.name),
            Form::Getter => FuncRegistration::new_getter(self.name),
            Form::Setter => FuncRegistration::new_setter(self.name),
            Form::IndexGetter => FuncRegistration::new_index_getter(),
            Form::IndexSetter => FuncRegistration::new_index_setter(),
        };
        let registration =
            if self.form == Form::Function { registration } else { registration.in_global_namespace() };
        registration.with_params_info(names)
    }
}

/// Puts a row's function into a module and returns the hash it is found by.
///
/// Rhai gives errors of native functions the place of the call, but not when the call names a namespace; for
/// those it is done here.
pub(crate) fn register<A: 'static, const N: usize, const X: bool, R, const F: bool, T>(
    row: &HostFunction,
    module: &mut Module,
    function: T,
) -> u64
where
    R: rhai::Variant + Clone,
    T: RhaiNativeFunc<A, N, X, R, F> + Send + Sync + 'static,
{
    let is_volatile = row.effect != Effect::Pure;
    if row.form != Form::Function {
        let registration = row.registration().with_purity(true).with_volatility(is_volatile);
        return registration.set_into_module(module, function).hash;
    }
    let native = match function.into_rhai_function(true, is_volatile) {
        RhaiFunc::Pure { func, .. } => {
            let placed = move |context: Option<NativeCallContext>, arguments: &mut [&mut Dynamic]| {
                let position = context.as_ref().map_or(Position::NONE, NativeCallContext::call_position);
                func(context, arguments).map_err(|mut error| {
                    if error.position().is_none() {
                        error.set_position(position);
                    }
                    error
                })
            };
            RhaiFunc::Pure { func: Shared::new(placed), has_context: true, is_pure: true, is_volatile }
        }
        other => other,
    };
    row.registration().set_into_module_raw(module, T::param_types(), native).hash
}

/// Every row, grouped as the reference page shows them.
pub fn all() -> impl Iterator<Item = &'static HostFunction> {
    super::api::TABLES.iter().chain(super::lib::TABLES).flat_map(|table| table.iter())
}

/// Writes rows of the table: `/// documentation`, then `Effect Form [owner] name(parameter: Type) -> Type = function;`.
///
/// For methods and properties the owner is the type; for globals write `[_]`.
macro_rules! host_functions {
    ($($(#[doc = $doc:literal])+ $effect:ident $form:ident [$owner:tt] $name:tt
        ($($parameter:ident : $kind:ident),*) -> $returns:ident = $function:expr;)*) => {
        &[$($crate::script::table::HostFunction {
            owner: host_functions!(@owner $owner),
            name: host_functions!(@name $name),
            form: $crate::script::table::Form::$form,
            parameters: &[$((stringify!($parameter), $crate::script::table::Type::$kind)),*],
            returns: $crate::script::table::Type::$returns,
            effect: $crate::script::table::Effect::$effect,
            documentation: concat!($($doc, "\n"),+),
            receiver: host_functions!(@receiver $form $owner),
            register: |row, module| $crate::script::table::register(row, module, $function),
            direct: |arguments| $crate::script::direct::call($function, arguments),
            #[cfg(test)]
            native_types: || $crate::script::table::native_types($function),
        }),*]
    };
    (@owner _) => { "" };
    (@owner $owner:ident) => { stringify!($owner) };
    (@name index) => { "[]" };
    (@name $name:ident) => { stringify!($name) };
    (@receiver Global $owner:tt) => { None };
    (@receiver Function $owner:tt) => { None };
    (@receiver $form:ident $owner:ident) => { Some($crate::script::table::Type::$owner) };
}
pub(crate) use host_functions;
