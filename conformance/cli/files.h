/* files.h — scenario files named on the command line, read in a fixed order. */
#pragma once

#include "conformance/scenario/scenario.h"

struct scenario_set {
    DYN(struct scenario_file *) files; /* in the order of their paths, each directory sorted by name */
    bool wrong;                        /* something was unreadable or wrong; messages went to stderr */
};

/* Reads files, and every *.yaml below directories. How messages name a file does not depend on where
 * the program was started: an operand keeps the name it was given. */
void scenario_set_read(struct scenario_set *s, char **paths, int n);
void scenario_set_release(struct scenario_set *s);
