/*
 * Start-up, serial line and timer of the nRF51, the Cortex-M0 chip on the BBC micro:bit.
 *
 * The addresses are those of the nRF51 Series Reference Manual: the UART begins at 0x40002000,
 * TIMER0 at 0x40008000. A register is a word in memory.
 */

#include "chip.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define UART_START_RECEIVER    REGISTER(0x40002000u)
#define UART_START_TRANSMITTER REGISTER(0x40002008u)
#define UART_RECEIVED          REGISTER(0x40002108u)
#define UART_SENT              REGISTER(0x4000211Cu)
#define UART_ENABLE            REGISTER(0x40002500u)
#define UART_TRANSMITTER_PIN   REGISTER(0x4000250Cu)
#define UART_RECEIVER_PIN      REGISTER(0x40002514u)
#define UART_IN                REGISTER(0x40002518u)
#define UART_OUT               REGISTER(0x4000251Cu)
#define UART_SPEED             REGISTER(0x40002524u)
#define UART_INTERRUPT_AT      REGISTER(0x40002304u)
#define INTERRUPT_LISTEN       REGISTER(0xE000E100u)
#define INTERRUPT_FORGET       REGISTER(0xE000E280u)
#define UART_INTERRUPT         (1u << 2)
#define TIMER_START            REGISTER(0x40008000u)
#define TIMER_STOP             REGISTER(0x40008004u)
#define TIMER_CLEAR            REGISTER(0x4000800Cu)
#define TIMER_CAPTURE          REGISTER(0x40008040u)
#define TIMER_BITS             REGISTER(0x40008508u)
#define TIMER_PRESCALER        REGISTER(0x40008510u)
#define TIMER_CAPTURED         REGISTER(0x40008540u)

/* The linker script gives these their places. */
extern uint32_t data_in_flash[], data_begin[], data_end[], zero_begin[], zero_end[];
extern uint32_t stack_top[];

int main(void);

/*
 * The chip begins here: variables get their first values, then main runs. Without `volatile` the
 * compiler would call memcpy and memset, whose code takes more flash than these loops.
 */
void chip_reset(void)
{
    const uint32_t *from = data_in_flash;
    volatile uint32_t *to;

    for (to = data_begin; to < data_end; to++)
        *to = *from++;
    for (to = zero_begin; to < zero_end; to++)
        *to = 0;
    main();
}

/* The first two words of the flash: where the stack begins, and where the program does. */
__attribute__((section(".vectors"), used))
static const void *const vectors[2] = { stack_top, (const void *)chip_reset };

void chip_start(void)
{
    UART_TRANSMITTER_PIN = 24;
    UART_RECEIVER_PIN = 25;
    UART_SPEED = 0x10000000u;          /* a million bits a second */
    UART_ENABLE = 4;
    UART_START_TRANSMITTER = 1;
    UART_START_RECEIVER = 1;
    UART_INTERRUPT_AT = 1u << 2;       /* a byte was received */
    __asm__ volatile("cpsid i");
    INTERRUPT_LISTEN = UART_INTERRUPT;
    TIMER_BITS = 3;                    /* 32 bits */
    TIMER_PRESCALER = 0;               /* 16 MHz */
}

/* The processor sleeps until the UART wants to interrupt it. No interrupt is ever let through. */
uint8_t chip_read(void)
{
    while (!UART_RECEIVED)
        __asm__ volatile("wfi");
    UART_RECEIVED = 0;
    INTERRUPT_FORGET = UART_INTERRUPT;
    return (uint8_t)UART_IN;
}

void chip_write(uint8_t byte)
{
    UART_SENT = 0;
    UART_OUT = byte;
    while (!UART_SENT)
        ;
}

void chip_count_from_0(void)
{
    TIMER_STOP = 1;
    TIMER_CLEAR = 1;
    TIMER_START = 1;
}

uint32_t chip_count(void)
{
    TIMER_CAPTURE = 1;
    return TIMER_CAPTURED;
}

uint8_t *chip_stack(void)
{
    return (uint8_t *)__builtin_frame_address(0);
}

/* Tells the simulator to end: SYS_EXIT of Arm's semihosting, "the application has ended". */
void chip_stop(void)
{
    register uint32_t what __asm__("r0") = 0x18;
    register uint32_t why __asm__("r1") = 0x20026;
    __asm__ volatile("bkpt 0xAB" : : "r"(what), "r"(why));
}
