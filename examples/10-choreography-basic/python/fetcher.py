from dataclasses import dataclass

from soma import EventDefinition, PlatformContext, TaskContext, Worker


@dataclass
class Product:
    product: str


@dataclass
class Figures:
    product: str
    sales: list[float]


fetched = EventDefinition(
    "figures.completed",
    "action-results",
    "Sales by month, oldest first; none while they are not settled.",
    Figures,
)
fetching = EventDefinition(
    "figures.requested", "action-requests", "Fetches the sales figures of a product.", Product, response=fetched
)
SALES: dict[str, list[float]] = {"tea": [10, 12, 15], "coffee": [30, 24, 21]}
fetcher = Worker("fetcher", "Knows the sales figures.")


@fetcher.on_task(fetching)
async def fetch(task: TaskContext[Product], context: PlatformContext) -> None:
    product = task.data.product
    task.complete(Figures(product, SALES.get(product, [])))


if __name__ == "__main__":
    fetcher.run()
