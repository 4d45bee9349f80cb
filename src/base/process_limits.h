// What a server asks of the system for its own process.
#pragma once

namespace aquilon {

// No core dumps and no debugger of another user: memory holds keys and what people write.
// Threads: any.
void forbid_core_dumps();

// As many descriptors as the system's hard limit allows. Threads: any.
void raise_descriptor_limit();

// What was started without stdin, stdout or stderr: no file that is opened later takes its place,
// and what is written there fails. Threads: before there is a second one.
void keep_standard_descriptors();

}  // namespace aquilon
