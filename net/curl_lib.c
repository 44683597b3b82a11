#include "net/curl_lib.h"

#include <dlfcn.h>

#define NAME "libcurl.so.4"

static const struct symbol {
    const char *name;
    size_t offset;
} symbols[] = {
#define SYMBOL(member) { "curl_" #member, offsetof(struct curl_lib, member) }
    SYMBOL(global_init), SYMBOL(easy_init), SYMBOL(easy_setopt), SYMBOL(easy_getinfo), SYMBOL(easy_cleanup),
    SYMBOL(easy_pause), SYMBOL(easy_strerror), SYMBOL(slist_append), SYMBOL(slist_free_all), SYMBOL(multi_init),
    SYMBOL(multi_setopt), SYMBOL(multi_add_handle), SYMBOL(multi_remove_handle), SYMBOL(multi_assign), SYMBOL(multi_socket_action),
    SYMBOL(multi_info_read), SYMBOL(multi_cleanup),
#undef SYMBOL
};

int curl_lib_load(struct curl_lib *lib, struct err *e)
{
    if (lib->handle)
        return 0;
    void *handle = dlopen(NAME, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return err_set(e, ERR_INTERNAL, "%s, which calls over HTTP, is not installed", NAME);
    for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
        void *found = dlsym(handle, symbols[i].name);
        if (!found)
            return err_set(e, ERR_INTERNAL, "%s has no %s", NAME, symbols[i].name);
        memcpy((char *)lib + symbols[i].offset, &found, sizeof(found));
    }
    if (lib->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(e, ERR_INTERNAL, "%s does not start", NAME);
    lib->handle = handle;
    return 0;
}
