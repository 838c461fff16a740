//! The layout of minor 0, written down once more: what is compiled here cannot have moved.
//!
//! A new field is added to its line, and raises the size at its end; nothing else of a line ever changes. Written for
//! 64 bits, which is what the gateway runs on.

#[cfg(target_pointer_width = "64")]
mod of_64_bits {
    use core::mem::{offset_of, size_of};

    use crate::{
        AccessFilter, AccessRecord, Balancer, Chunk, Component, ErrorInfo, ErrorPage, Field, Fields, Host,
        HttpAnswer, HttpRequest, KeyLookup, Middleware, Patch, Slice, Target, Targets, Value,
    };

    macro_rules! layout {
        ($($table:ident { $($field:ident: $at:literal),+ } $size:literal;)+) => {
            $(
                $(const _: () = assert!(offset_of!($table, $field) == $at);)+
                const _: () = assert!(size_of::<$table>() == $size);
            )+
        };
    }

    layout! {
        Slice { ptr: 0, len: 8 } 16;
        Value { kind: 0, boolean: 4, integer: 8, real: 16, text: 24 } 40;
        Field { name: 0, value: 16 } 32;
        Fields { ptr: 0, len: 8 } 16;
        Patch {
            size: 0, abi_major: 8, abi_minor: 12, needs: 16, id: 24, version: 40, description: 56, gateway: 72,
            components: 88, component_count: 96, self_test: 104
        } 112;
        Component { size: 0, kind: 8, mode: 12, id: 16, version: 32, table: 48 } 56;
        Middleware {
            size: 0, hooks: 8, waits: 12, flags: 16, bodies: 20, create: 24, destroy: 32, on_request: 40,
            on_response: 48, on_error: 56, on_log: 64, on_chunk: 72, stream_end: 80
        } 88;
        Chunk { size: 0, flags: 8, side: 12, data: 16, offset: 32 } 40;
        Target { address: 0, weight: 16, active: 20, standing: 24, reserved: 28 } 32;
        Targets { size: 0, ptr: 8, len: 16, stride: 24, upstream: 32, attempt: 48 } 56;
        Balancer { size: 0, create: 8, destroy: 16, pick: 24 } 32;
        KeyLookup { size: 0, waits: 8, create: 16, destroy: 24, find: 32 } 40;
        ErrorInfo { size: 0, status: 8, kind: 16, message: 32, request_id: 48, accept: 64 } 80;
        ErrorPage { size: 0, create: 8, destroy: 16, render: 24 } 32;
        AccessRecord {
            size: 0, request_id: 8, client: 24, method: 40, host: 56, target: 72, route: 88, end_reason: 104,
            server: 120, status: 136, attempts: 140, started_unix_microseconds: 144, total_microseconds: 152,
            upstream_microseconds: 160, steps_microseconds: 168, request_bytes: 176, response_bytes: 184
        } 192;
        AccessFilter { size: 0, create: 8, destroy: 16, filter: 24 } 32;
        HttpRequest { size: 0, method: 8, url: 24, headers: 40, body: 56, timeout_milliseconds: 72 } 80;
        HttpAnswer { size: 0, status: 8, headers: 16, body: 32, error: 48 } 64;
        Host {
            size: 0, abi_major: 8, abi_minor: 12, features: 16, version: 24, fail: 40, last_error: 48,
            reply: 56, refuse: 64, result: 72, text: 80, set_text: 88, number: 96, set_number: 104,
            header: 112, headers: 120, set_header: 128, add_header: 136, remove_header: 144, parameter: 152,
            variable: 160, set_variable: 168, identity: 176, set_identity: 184, body: 192, set_body: 200,
            stream_body: 208, chunk_write: 216, config: 224, environment: 232, secret: 240, log: 248,
            metric: 256, unix_time: 264, monotonic_time: 272, random: 280, kv_get: 288, kv_set: 296,
            kv_increment: 304, kv_delete: 312, kv_ttl: 320, sleep: 328, http: 336, access_field: 344,
            access_drop: 352
        } 360;
    }
}
