from dataclasses import dataclass

from soma import EventDefinition, InvocationContext, PlatformContext, Problem, Tool


@dataclass
class Operands:
    a: float
    b: float


@dataclass
class Calculated:
    result: float


Invocation = InvocationContext[Operands]
calculated = EventDefinition("calculation.completed", "action-results", "A number.", Calculated)
calculator = Tool("calculator", "Adds, subtracts, multiplies and divides.")


def operation(type: str, description: str) -> EventDefinition[Operands]:
    return EventDefinition(type, "action-requests", description, Operands, response=calculated)


@calculator.on_invoke(operation("addition.requested", "Adds b to a."))
async def add(request: Invocation, context: PlatformContext) -> Calculated:
    return Calculated(request.data.a + request.data.b)


@calculator.on_invoke(operation("subtraction.requested", "Takes b from a."))
async def subtract(request: Invocation, context: PlatformContext) -> Calculated:
    return Calculated(request.data.a - request.data.b)


@calculator.on_invoke(operation("multiplication.requested", "Multiplies a by b."))
async def multiply(request: Invocation, context: PlatformContext) -> Calculated:
    return Calculated(request.data.a * request.data.b)


@calculator.on_invoke(operation("division.requested", "Divides a by b."))
async def divide(request: Invocation, context: PlatformContext) -> Calculated:
    if request.data.b == 0:
        raise Problem(code="division-by-zero", status=422, detail=f"{request.data.a:g} / 0")
    return Calculated(request.data.a / request.data.b)


if __name__ == "__main__":
    calculator.run()
