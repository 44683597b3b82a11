/* commands.h — one function and one page of help per subcommand. */
#pragma once

int lint_run(int argc, char **argv);
extern const char lint_help[];

int certify_run(int argc, char **argv);
extern const char certify_help[];

int run_run(int argc, char **argv);
extern const char run_help[];

int replay_run(int argc, char **argv);
extern const char replay_help[];

int driver_run(int argc, char **argv);
extern const char driver_help[];

int serve_run(int argc, char **argv);
extern const char serve_help[];
