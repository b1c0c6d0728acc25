//! The Countersign server: the only place with sockets, templates, configuration and an async runtime.

pub mod web;
