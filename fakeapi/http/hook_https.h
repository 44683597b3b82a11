/* hook_https.h — webhooks over real HTTPS, for apiserver_options.hook_caller. */
#pragma once

#include "fakeapi/apiserver/hook.h"

struct hook_caller *hook_https_new(struct world *w);
