/* packs.h — sets of CustomResourceDefinitions that a server may start with; embedded at build time. */
#pragma once

extern const char *const agent_sandbox_definitions[];           /* JSON; ends with NULL */
