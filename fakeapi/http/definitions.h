/* definitions.h — CustomResourceDefinitions from files, served before anybody asks.
 */
#pragma once

#include "fakeapi/apiserver/apiserver.h"

/* A file, or every *.yaml, *.yml and *.json of a folder (not below it), in the order of their names. Documents
 * of other kinds are passed over, as envtest does; none of this kind at all is an error. What is there already
 * is brought to what the file says. An error names the file and the line. To be called before world_run(). */
int definitions_load(struct world *w, struct apiserver *s, const char *path, struct err *e);
