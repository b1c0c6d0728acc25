//! The command line as its users meet it: every test runs the real binary.

#[cfg(test)]
mod binary;
#[cfg(test)]
mod call_by_call;

#[cfg(test)]
mod apply;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod evaluate;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod impact;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod probe;
#[cfg(test)]
mod registration_token;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod surface;
#[cfg(test)]
mod verify;
