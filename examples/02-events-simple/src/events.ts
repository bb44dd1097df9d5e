import { defineEvent } from '@soma/sdk'
import * as z from 'zod'

const fact = <Type extends string>(type: Type, description: string) =>
  defineEvent({ type, topic: 'business-facts', description, data: z.object({ order: z.int() }) })

export const placed = fact('order.placed', 'Somebody has ordered.')
export const reserved = fact('order.reserved', 'The goods of an order are set aside.')
export const paid = fact('order.paid', 'An order is paid.')
export const shipped = fact('order.shipped', 'An order is on its way.')
