/* curl_lib.h — libcurl, loaded when first asked for. */
#pragma once

/* No macros that check the types of varargs: we call by pointers. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "world/err.h"

struct curl_lib {
    void *handle;                      /* NULL: not loaded */
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *h, CURLoption option, ...);
    CURLcode (*easy_getinfo)(CURL *h, CURLINFO info, ...);
    void (*easy_cleanup)(CURL *h);
    CURLcode (*easy_pause)(CURL *h, int mask);
    const char *(*easy_strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_setopt)(CURLM *m, CURLMoption option, ...);
    CURLMcode (*multi_add_handle)(CURLM *m, CURL *h);
    CURLMcode (*multi_remove_handle)(CURLM *m, CURL *h);
    CURLMcode (*multi_assign)(CURLM *m, curl_socket_t s, void *of_socket);
    CURLMcode (*multi_socket_action)(CURLM *m, curl_socket_t s, int events, int *ret_running);
    CURLMsg *(*multi_info_read)(CURLM *m, int *ret_left);
    CURLMcode (*multi_cleanup)(CURLM *m);
};

/* Loads it once for `lib`; it stays loaded as long as the program runs. */
int curl_lib_load(struct curl_lib *lib, struct err *e);
