/*
 * echo.c - the least that a FastCGI worker can do, on libfcgi's own loop: what a small request costs
 * without Sluice.  Compared with GET /health by server.py.
 */
#include <fcgiapp.h>

int main(void)
{
    FCGX_Request request;
    if (FCGX_Init() != 0 || FCGX_InitRequest(&request, 0, 0) != 0)
        return 1;
    while (FCGX_Accept_r(&request) == 0) {
        (void)FCGX_PutS("Content-Type: application/json\r\nContent-Length: 15\r\n\r\n"
                        "{\"status\":\"ok\"}",
                        request.out);
        FCGX_Finish_r(&request);
    }
    return 0;
}
