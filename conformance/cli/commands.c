#include "conformance/cli/cli.h"

#include "conformance/cli/commands.h"
#include "conformance/cli/entry.h"

static const struct command commands[] = {
    { "certify", "judge a driver or the controller, write the report", certify_run, certify_help },
    { "run", "run scenario files", run_run, run_help },
    { "replay", "run one schedule of a scenario again, step by step", replay_run, replay_help },
    { "driver", "serve a reference driver on a socket", driver_run, driver_help },
    { "serve", "an API server in memory, with a kubeconfig, in milliseconds", serve_run, serve_help },
    { "envtest-assets", "a folder for KUBEBUILDER_ASSETS", envtest_assets_run, envtest_assets_help },
    { "lint", "read scenario files and say what is wrong with them", lint_run, lint_help },
};

const struct command *command_at(size_t i)
{
    return i < ARRAY_SIZE(commands) ? &commands[i] : NULL;
}

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        if (streq(commands[i].name, name))
            return &commands[i];
    return NULL;
}
