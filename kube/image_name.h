/* image_name.h — the names of container images, as far as a server looks into them: "host:5000/path/name:tag@digest".
 */
#pragma once

#include <stddef.h>

/* The tag that is meant: the one that is said, "latest" where neither tag nor digest is; "" where the digest alone
 * says it, or where the text is no name of an image. Not terminated: *ret_len bytes. */
const char *image_name_tag(const char *image, size_t *ret_len);
